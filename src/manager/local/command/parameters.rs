//! A command's parameters, with the variables in their texts filled in.

use super::Halt;
use serde_json::{Map, Value};

/// The parameters of one command.
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    /// Fills in every text, those in lists too.
    pub(super) fn new(given: &Map<String, Value>, fill_in: impl Fn(&str) -> String) -> Self {
        let filled = |value: &Value| match value {
            Value::String(text) => Value::String(fill_in(text)),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.clone(), |text| fill_in(text).into()))
                    .collect(),
            ),
            other => other.clone(),
        };
        Parameters(given.iter().map(|(name, value)| (name.clone(), filled(value))).collect())
    }

    /// Any value.
    pub(super) fn value(&self, name: &str) -> Result<&Value, Halt> {
        self.0.get(name).ok_or_else(|| Halt::Failed(format!("the parameter {name:?} is missing")))
    }

    /// A text that must be there and not empty.
    pub(super) fn text(&self, name: &str) -> Result<&str, Halt> {
        match self.text_or_empty(name)? {
            "" => Err(Halt::Failed(format!("the parameter {name:?} is empty"))),
            text => Ok(text),
        }
    }

    /// A text that must be there.
    pub(super) fn text_or_empty(&self, name: &str) -> Result<&str, Halt> {
        self.value(name)?.as_str().ok_or_else(|| wrong(name, "a text"))
    }

    /// A list of texts; numbers in it count as texts. Not there: empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Halt> {
        let items = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(value) => value.as_array().ok_or_else(|| wrong(name, "a list of texts"))?,
        };
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(wrong(name, "a list of texts")),
        };
        items.iter().map(text).collect()
    }

    /// A text that is split as a shell would, in front of a list of texts: `exeArgs`, then `argsBefore`. Both optional.
    pub(super) fn arguments_before(&self) -> Result<Vec<String>, Halt> {
        let text = self.0.get("exeArgs").and_then(Value::as_str).unwrap_or_default();
        let mut arguments = shlex::split(text).ok_or_else(|| wrong("exeArgs", "a text with closed quotes"))?;
        arguments.extend(self.texts("argsBefore")?);
        Ok(arguments)
    }

    /// A number that must be there.
    pub(super) fn number(&self, name: &str) -> Result<f64, Halt> {
        self.value(name)?.as_f64().ok_or_else(|| wrong(name, "a number"))
    }

    /// An absolute path that must be there.
    pub(super) fn path(&self, name: &str) -> Result<&std::path::Path, Halt> {
        let path = std::path::Path::new(self.text(name)?);
        if path.is_absolute() { Ok(path) } else { Err(wrong(name, "an absolute path")) }
    }
}

fn wrong(name: &str, expected: &str) -> Halt {
    Halt::Failed(format!("the parameter {name:?} is not {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_typed_and_filled_in() {
        let given = json!({
            "exe": "{x}", "exeArgs": "-b '{x} y'", "argsBefore": ["{x}", 5], "fps": 24, "path": "rel", "open": "'",
        });
        let parameters = Parameters::new(given.as_object().unwrap(), |text| text.replace("{x}", "X"));
        assert_eq!(parameters.text("exe"), Ok("X"));
        assert_eq!(parameters.arguments_before().unwrap(), ["-b", "X y", "X", "5"]);
        assert_eq!(parameters.number("fps"), Ok(24.0));
        assert_eq!(parameters.texts("none").unwrap(), Vec::<String>::new());
        for (halt, word) in [
            (parameters.text("none").unwrap_err(), "missing"),
            (parameters.text("fps").unwrap_err(), "not a text"),
            (parameters.number("exe").unwrap_err(), "not a number"),
            (parameters.path("path").unwrap_err(), "absolute"),
            (parameters.texts("exe").unwrap_err(), "list"),
        ] {
            assert!(matches!(&halt, Halt::Failed(words) if words.contains(word)), "{halt:?}");
        }
    }
}
