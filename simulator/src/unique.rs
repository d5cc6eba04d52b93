//! Identifiers that no other run has.

use ring::rand::{SecureRandom, SystemRandom};

/// Random lower-case hexadecimal digits, two for each byte.
pub(crate) fn hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    if SystemRandom::new().fill(&mut random).is_err() {
        // Only uniqueness is asked for: a clock is good enough where the kernel gives no random bytes.
        let now = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        for (target, source) in random.iter_mut().zip(now.iter().cycle()) {
            *target = *source;
        }
    }
    to_hex(&random)
}

/// A version 4 UUID as GitHub writes them, lower-case with hyphens.
pub(crate) fn guid() -> String {
    let digits = hex(16);
    let mut guid = String::with_capacity(36);
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            guid.push('-');
        }
        guid.push(match index {
            12 => '4',
            16 => 'a',
            _ => digit,
        });
    }
    guid
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_the_usual_shape_and_differ() {
        let guid = guid();
        let lengths: Vec<usize> = guid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(guid, super::guid());
    }
}
