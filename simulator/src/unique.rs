//! Unique identifiers.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns random lower-case hexadecimal digits, two per byte.
pub(crate) fn hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    if SystemRandom::new().fill(&mut random).is_err() {
        // Uniqueness is enough, so the clock replaces missing random bytes.
        let now = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        for (target, source) in random.iter_mut().zip(now.iter().cycle()) {
            *target = *source;
        }
    }
    to_hex(&random)
}

/// Returns a version 4 UUID in GitHub's form, lower-case with hyphens.
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

/// Returns the lower-case hexadecimal digits of `bytes`.
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
