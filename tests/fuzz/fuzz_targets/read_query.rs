//! No text makes the reader of queries panic, hang or take memory without bound; what it reads is printed as the same query.

#![no_main]

use farm::query::{Named, Query, Subject};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for subject in [Subject::Jobs, Subject::Tasks, Subject::Workers, Subject::Frames] {
        match Query::parse(subject, text, &Named::new()) {
            Ok(query) => {
                let again = Query::parse(subject, &query.to_string(), &Named::new());
                assert_eq!(again.as_ref(), Ok(&query), "{query}");
            }
            Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column()), "{error}"),
        }
    }
});
