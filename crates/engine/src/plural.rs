//! Numbers with their nouns.

use std::fmt::Display;

/// Returns a number with its noun, as in `1 rule` and `1,000 rules`.
pub fn count(number: impl Display, noun: &str) -> String {
    count_of(number, noun, &format!("{noun}s"))
}

/// Returns a number with its singular or plural, as in `1 entry` and `2 entries`.
pub fn count_of(number: impl Display, one: &str, many: &str) -> String {
    let number = grouped(number);
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun}")
}

/// Returns a whole number with a comma before every three digits, as in `10,000`.
pub fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_thousands_have_commas() {
        for (number, rules, entries) in [
            (0, "0 rules", "0 entries"),
            (1, "1 rule", "1 entry"),
            (2, "2 rules", "2 entries"),
            (11, "11 rules", "11 entries"),
            (999, "999 rules", "999 entries"),
            (1_000, "1,000 rules", "1,000 entries"),
            (1_234_567, "1,234,567 rules", "1,234,567 entries"),
        ] {
            assert_eq!(count(number, "rule"), rules);
            assert_eq!(count_of(number, "entry", "entries"), entries);
        }
        assert_eq!(count(1_u64, "more rule"), "1 more rule");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }
}
