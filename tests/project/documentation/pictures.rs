//! The pictures show what the program prints today. `.ci/outside/playground` compares the one of the playground.
//!
//! `docs/look.md` has the text of each picture, and the other tests compare it with what its command prints. Here the
//! text is compared with the one that `.ci/outside/pictures` drew.

use std::collections::BTreeSet;

use regex::Regex;
use roxmltree::Document;

use super::read;
use crate::support::root;

const PICTURES: &str = "docs/pictures";
/// The only picture of another page.
const PLAYGROUND: &str = "playground";
/// Maximum size of all pictures in bytes. They are part of each clone.
const MAX_SIZE: u64 = 800_000;

/// The pictures of the page: name, and the block below its comment.
fn shown() -> Vec<(String, String)> {
    let block = r"(?ms)^<!-- picture: ([a-z-]+) -->\n\n```console\n(.*?)^```$";
    let page = read("docs/look.md");
    let found = Regex::new(block).unwrap();
    let found = found.captures_iter(&page);
    let found: Vec<_> = found
        .map(|one| (one[1].to_owned(), one[2].to_owned()))
        .collect();
    assert!(found.len() >= 6, "{found:?}");
    found
}

fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let digest = digest.as_ref().iter();
    digest.map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_picture_is_older_than_its_text() {
    let drawn = read(&format!("{PICTURES}/drawn-from"));
    let expected = shown().into_iter();
    let expected = expected.map(|(name, text)| format!("{}  {name}", sha256(&text)));
    let of_page = drawn.lines().filter(|line| !line.ends_with(PLAYGROUND));
    assert_eq!(
        of_page.collect::<Vec<_>>(),
        expected.collect::<Vec<_>>(),
        "docs/look.md has changed: run `.ci/outside/pictures BINARY SIMULATOR PLAYGROUND`"
    );
}

#[test]
fn each_picture_is_there_in_light_and_dark_and_all_are_small() {
    let page = read("docs/look.md");
    // The upper part of the check run is a picture of its own, for the first pages.
    let others = [
        "drawn-from",
        "denied-dark.webp",
        "denied-light.webp",
        "denied-phone-dark.webp",
        "denied-phone-light.webp",
        "playground-dark.webp",
        "playground-light.webp",
    ];
    let mut expected = BTreeSet::from(others.map(str::to_owned));
    for (name, _) in shown() {
        let of_page = Regex::new(&format!(r"pictures/({name}-(?:light|dark)\.\w+)")).unwrap();
        let files: BTreeSet<_> = of_page
            .captures_iter(&page)
            .map(|file| file[1].to_owned())
            .collect();
        assert_eq!(files.len(), 2, "{name}: {files:?}");
        expected.extend(files);
    }
    let entries = std::fs::read_dir(root().join(PICTURES)).unwrap();
    let entries: Vec<_> = entries.map(Result::unwrap).collect();
    let names = entries
        .iter()
        .map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
    let sizes = entries.iter().map(|entry| entry.metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!(size <= MAX_SIZE, "{size}");
}

/// The words of a drawn terminal are those of its text, in their order.
#[test]
fn no_word_of_a_terminal_is_typed_by_hand() {
    let mut terminals = 0;
    for (name, text) in shown() {
        for theme in ["light", "dark"] {
            let file = format!("{PICTURES}/{name}-{theme}.svg");
            if !root().join(&file).exists() {
                continue;
            }
            let drawing = read(&file);
            let drawing = Document::parse(&drawing).unwrap();
            let words = drawing
                .descendants()
                .filter(|node| node.has_tag_name("text"));
            let words: Vec<_> = words.map(|node| node.text().unwrap()).collect();
            let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(
                without_blanks(&words.concat()),
                without_blanks(&text),
                "{file}"
            );
            terminals += 1;
        }
    }
    assert!(terminals >= 6, "{terminals}");
}
