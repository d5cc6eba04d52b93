//! Sentences with untrusted parts.

use std::borrow::Cow;

use super::text::visible;
use engine::policy::quoted;

/// A sentence that keeps untrusted text apart from its words, so that each output format can escape it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase<'a>(Vec<Part<'a>>);

/// A part of a [`Phrase`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<'a> {
    Words(Cow<'static, str>),
    Quoted(Cow<'a, str>),
}

impl<'a> Phrase<'a> {
    /// Renders the sentence, with `quote` for untrusted text.
    pub fn write(&self, quote: impl Fn(&str) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(words) => words.clone().into_owned(),
            Part::Quoted(text) => quote(text),
        });
        parts.collect()
    }

    /// Renders the sentence in one line, with untrusted text in back quotes.
    pub fn plain(&self) -> String {
        self.write(|text| quoted(&visible(text)))
    }

    /// Adds words of the program.
    pub fn words(&mut self, words: impl Into<Cow<'static, str>>) {
        self.0.push(Part::Words(words.into()));
    }

    /// Adds an untrusted text.
    pub fn quoted(&mut self, text: impl Into<Cow<'a, str>>) {
        self.0.push(Part::Quoted(text.into()));
    }

    /// Adds untrusted texts, separated by commas and by `last` before the last one.
    pub fn list<T: Into<Cow<'a, str>>>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
        last: &'static str,
    ) {
        let mut texts = texts.into_iter().peekable();
        let mut is_first = true;
        while let Some(text) = texts.next() {
            match (is_first, texts.peek()) {
                (true, _) => {}
                (false, Some(_)) => self.words(", "),
                (false, None) => self.words(last),
            }
            is_first = false;
            self.quoted(text);
        }
    }
}
