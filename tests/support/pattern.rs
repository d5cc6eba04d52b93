//! Regexes that tests ask for again and again: compiling one takes longer than all that it matches.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

/// Compiles a regex, once in each thread.
pub fn regex(text: &str) -> Result<Regex, regex::Error> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    let known = KNOWN.with_borrow(|known| known.get(text).cloned());
    known.map_or_else(
        || {
            let regex = Regex::new(text)?;
            KNOWN.with_borrow_mut(|known| known.insert(text.to_owned(), regex.clone()));
            Ok(regex)
        },
        Ok,
    )
}
