//! The functions that the page calls. A question and an answer lie in the module's memory, and the page reads and writes
//! them by their address and length.

use std::sync::{Mutex, PoisonError};

static QUESTION: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ANSWER: Mutex<String> = Mutex::new(String::new());

/// Makes room for a question of this many bytes, and returns its address.
#[expect(unsafe_code, reason = "no other function has this name")]
#[unsafe(no_mangle)]
extern "C" fn question(length: usize) -> usize {
    std::panic::set_hook(Box::new(|panic| keep(panic.to_string())));
    let mut question = QUESTION.lock().unwrap_or_else(PoisonError::into_inner);
    *question = vec![0; length];
    // Exposed, because the page writes the text there.
    question.as_mut_ptr().expose_provenance()
}

/// Answers the question. A panic ends the module after its message is in the place of an answer.
#[expect(unsafe_code, reason = "no other function has this name")]
#[unsafe(no_mangle)]
extern "C" fn answer() {
    let question = QUESTION.lock().unwrap_or_else(PoisonError::into_inner);
    keep(super::answer(&String::from_utf8_lossy(&question)));
}

/// Returns the address of the answer, or of the message of a panic.
#[expect(unsafe_code, reason = "no other function has this name")]
#[unsafe(no_mangle)]
extern "C" fn answer_address() -> usize {
    let answer = ANSWER.lock().unwrap_or_else(PoisonError::into_inner);
    answer.as_ptr().expose_provenance()
}

/// Returns its length in bytes.
#[expect(unsafe_code, reason = "no other function has this name")]
#[unsafe(no_mangle)]
extern "C" fn answer_length() -> usize {
    ANSWER.lock().unwrap_or_else(PoisonError::into_inner).len()
}

fn keep(answer: String) {
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = answer;
}
