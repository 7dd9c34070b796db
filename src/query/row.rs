//! What a query is put to.

use super::field::Field;
use crate::base::frame_set::FrameSet;
use crate::base::time::Timestamp;
use std::borrow::Cow;

/// Something that a query may match: a job, a task, a worker, a frame.
pub trait Row {
    /// What it has there, of the type that the field's own words tell. Only what a query uses is asked for, and what is
    /// cheap to know before what is not.
    fn value(&self, field: &Field) -> Value<'_>;

    /// Whether a bare word may be what it has there, where that is [`Value::Unknown`]: names and ids have a look of their own,
    /// and a word that cannot be one leaves nothing open.
    fn may_be(&self, _field: &Field, _word: &str) -> bool {
        true
    }
}

/// What a row has in one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Nothing: a job without a tag.
    None,
    /// It was not looked up yet, or cannot be known.
    Unknown,
    /// A word.
    Text(Cow<'a, str>),
    /// Several words, of which one is enough.
    Texts(Vec<Cow<'a, str>>),
    /// A whole number.
    Number(i64),
    /// A moment.
    Time(Timestamp),
    /// Frames.
    Frames(Cow<'a, FrameSet>),
    /// Yes or no.
    Flag(bool),
}

impl<'a> Value<'a> {
    /// Several words.
    pub fn texts<T: Into<Cow<'a, str>>>(words: impl IntoIterator<Item = T>) -> Value<'a> {
        Value::Texts(words.into_iter().map(Into::into).collect())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}
impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}
impl<'a> From<&'a FrameSet> for Value<'a> {
    fn from(frames: &'a FrameSet) -> Self {
        Value::Frames(Cow::Borrowed(frames))
    }
}
impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Value::Time(time)
    }
}
impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}
impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::None, Into::into)
    }
}
