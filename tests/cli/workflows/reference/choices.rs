//! What a run decides and a file does not: each combination of answers is a path.

use std::collections::HashMap;

use super::value::Value;

/// Answers that a path has given, and those that it still will give.
#[derive(Debug, Default)]
pub struct Choices {
    /// The answer to each question, in the order of the questions, and how many answers there are.
    path: Vec<(usize, usize)>,
    asked: usize,
    /// Answers by question: a question has one answer in a run.
    known: HashMap<String, usize>,
    bound: HashMap<String, Value>,
    /// What has been found out on this path.
    facts: HashMap<String, bool>,
}

impl Choices {
    /// One of so many answers.
    pub fn choose(&mut self, question: &str, of: usize) -> usize {
        assert!(of > 0, "{question}");
        if let Some(answer) = self.known.get(question) {
            return *answer;
        }
        if self.asked == self.path.len() {
            self.path.push((0, of));
        }
        let (answer, _) = self.path[self.asked];
        self.asked += 1;
        self.known.insert(question.to_owned(), answer);
        answer
    }

    /// True on one path, false on another.
    pub fn decide(&mut self, question: &str) -> bool {
        self.choose(question, 2) == 0
    }

    /// The value that an unknown one turned out to have.
    pub fn bind(&mut self, name: &str, value: Value) {
        self.bound.insert(name.to_owned(), value);
    }

    pub fn bound(&self, name: &str) -> Option<&Value> {
        self.bound.get(name)
    }

    pub fn fact(&self, name: &str) -> Option<bool> {
        self.facts.get(name).copied()
    }

    pub fn learn(&mut self, name: &str, value: bool) {
        self.facts.insert(name.to_owned(), value);
    }

    /// Goes to the next path; false after the last.
    pub fn advance(&mut self) -> bool {
        self.known.clear();
        self.bound.clear();
        self.facts.clear();
        self.asked = 0;
        while let Some((answer, of)) = self.path.pop() {
            if answer + 1 < of {
                self.path.push((answer + 1, of));
                return true;
            }
        }
        false
    }
}
