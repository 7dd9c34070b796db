//! Texts of an answer, borrowed from it where they stand there as they are: of ten thousand jobs most are let go of at once.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// A text, or whatever else stands there as its JSON text.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// `{"key": "text", …}`, in the order of the answer.
#[derive(Debug, Default)]
pub(super) struct Texts<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyText)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(AllTexts)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(written(&Value::from(flag)))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(written(&Value::from(number)))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(written(&Value::from(number)))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(written(&Value::from(number)))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(written(&Value::Null))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(|list| written(&list))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(|map| written(&map))
    }
}

fn written(value: &Value) -> Text<'static> {
    Text(Cow::Owned(value.to_string()))
}

struct AllTexts;

impl<'de> Visitor<'de> for AllTexts {
    type Value = Texts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::with_capacity(map.size_hint().unwrap_or(8));
        while let Some((Text(key), Text(text))) = map.next_entry()? {
            texts.push((key, text));
        }
        Ok(Texts(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_its_json_text() {
        let document = r#"{"a":"b","\u0041":"\n","n":-1,"u":2,"f":1.5,"y":true,"z":null,"l":[1,"x"],"m":{"k":[]}}"#;
        let Texts(texts) = serde_json::from_str(document).expect("a map");
        let read: Vec<(&str, &str)> = texts.iter().map(|(key, text)| (&**key, &**text)).collect();
        assert_eq!(
            read,
            [
                ("a", "b"),
                ("A", "\n"),
                ("n", "-1"),
                ("u", "2"),
                ("f", "1.5"),
                ("y", "true"),
                ("z", "null"),
                ("l", "[1,\"x\"]"),
                ("m", "{\"k\":[]}"),
            ]
        );
        assert!(matches!(&texts[0], (Cow::Borrowed(_), Cow::Borrowed(_))));
        serde_json::from_str::<Texts<'_>>("[]").expect_err("no object");
    }
}
