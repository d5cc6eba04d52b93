//! Invisible characters: Unicode's own lists, from ICU4X.

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};

/// Whether a character is invisible if a font does not support it: joiners, variation selectors,
/// zero-width spaces, tags (`Default_Ignorable_Code_Point`).
pub fn is_default_ignorable(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a character changes the display order of the characters around it (`Bidi_Control`).
pub fn is_bidi_control(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<BidiControl>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_those_of_the_regex_crate() {
        let ignorable = regex::Regex::new(r"^\p{Default_Ignorable_Code_Point}$").unwrap();
        let bidi = regex::Regex::new(r"^\p{Bidi_Control}$").unwrap();
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let text = &*c.encode_utf8(&mut buffer);
            assert_eq!(is_default_ignorable(c), ignorable.is_match(text), "{c:?}");
            assert_eq!(is_bidi_control(c), bidi.is_match(text), "{c:?}");
        }
    }
}
