//! Worlds: the runs that a file allows, as far as its expressions can tell them apart.
//!
//! A question that the files do not answer, such as the value of an input, has one answer in a world,
//! however often an expression asks it. So `inputs.to == 'prod' && inputs.to` never becomes `dev`.

use std::cell::RefCell;

/// Maximum number of worlds of one job and start; with more, everything in it is unknown.
pub(super) const MAX_WORLDS: usize = 512;

/// One world at a time.
#[derive(Debug, Default)]
pub(super) struct World {
    answers: RefCell<Vec<Answer>>,
}

#[derive(Debug)]
struct Answer {
    question: String,
    answer: usize,
    /// Number of possible answers.
    count: usize,
}

impl World {
    /// Returns the answer to a question in this world: a number below `count`.
    pub(super) fn answer(&self, question: &str, count: usize) -> usize {
        let mut answers = self.answers.borrow_mut();
        if let Some(known) = answers.iter().find(|known| known.question == question) {
            return known.answer;
        }
        answers.push(Answer {
            question: question.to_owned(),
            answer: 0,
            count,
        });
        0
    }

    /// Answers a question with yes or no.
    pub(super) fn is(&self, question: &str) -> bool {
        self.answer(question, 2) == 0
    }

    /// Whether something depends on this world.
    pub(super) fn has_answered(&self) -> bool {
        !self.answers.borrow().is_empty()
    }

    /// Goes to the next world; returns `false` after the last one.
    pub(super) fn advance(&self) -> bool {
        let mut answers = self.answers.borrow_mut();
        while let Some(last) = answers.last_mut() {
            last.answer += 1;
            if last.answer < last.count {
                return true;
            }
            answers.pop();
        }
        false
    }

    /// Returns what `evaluate` says in each world, or `None` if there are too many worlds.
    pub(super) fn all<T>(mut evaluate: impl FnMut(&Self) -> T) -> Option<Vec<T>> {
        let world = Self::default();
        let mut all = Vec::new();
        loop {
            all.push(evaluate(&world));
            if !world.advance() {
                return Some(all);
            }
            if all.len() >= MAX_WORLDS {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_answers_is_one_world() {
        let all = World::all(|world| {
            let one = world.answer("one", 2);
            // Asked in some worlds only.
            let other = (one == 1).then(|| world.answer("other", 3));
            assert_eq!(world.answer("one", 2), one);
            (one, other)
        });
        let expected = [(0, None), (1, Some(0)), (1, Some(1)), (1, Some(2))];
        assert_eq!(all.unwrap(), expected);
    }

    #[test]
    fn too_many_worlds_are_unknown() {
        let ask = |count: usize| {
            World::all(|world| (0..count).fold(0, |sum, n| sum + world.answer(&n.to_string(), 2)))
        };
        assert_eq!(ask(9).map(|all| all.len()), Some(MAX_WORLDS));
        assert_eq!(ask(10), None);
    }
}
