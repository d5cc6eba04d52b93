//! Pages and Markdown of texts that others wrote, and what every page keeps to.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Value, json};

use super::{MANY, NOW, POLICY, POLICY_OF_MANY, checkout, examples};
use crate::support::directory::Directory;

/// Texts that would be something else in one place or another.
const PAYLOADS: [&str; 8] = [
    "<script>alert(1)</script>",
    "</code></td></table><img src=x onerror=alert(1)>",
    "a|b`c``d` <b>&amp;",
    "]]>--><!-- '\" x=\"y",
    "\u{1b}[31mred\u{1b}[0m\u{202e}evil",
    "line\nbreak\r\n| a | b |\n|---|---|",
    "[x](https://evil.example) www.evil.example @all #1",
    "*bold* _it_ ~~no~~ \\ $x$",
];

/// A checkout that says the payload wherever it can.
fn hostile(payload: &str) -> Directory {
    let text = json!(payload);
    let file = payload.replace(['/', '\0'], "_");
    let workflow = json!({
        "name": payload,
        "on": { "push": {}, payload: {} },
        "jobs": {
            payload: { "environment": payload },
            "b": { "environment": format!("${{{{ vars.X }}}} {payload}") },
            "c": { "uses": format!("{payload}@v1") },
            "d": {
                "permissions": { "id-token": "write" },
                "steps": [{ "uses": "actions/checkout@v4", "with": { "ref": format!("${{{{ github.event.inputs.x }}}}{payload}") } }],
            },
        },
    });
    let own = json!({ "exact": payload });
    let rule = |workflow: Value, environment: Value| {
        json!({
            "name": text, "permission": "a:b", "workflow": workflow, "branch": own,
            "environment": environment, "claims": { payload: own },
        })
    };
    let policy = json!({
        "version": 1,
        "permissions": [
            rule(json!("*"), own.clone()),
            rule(json!({ "exact": format!("{file}.yml") }), own.clone()),
            rule(own.clone(), json!("x")),
            rule(json!("*"), json!({ "exact": format!("{payload}!") })),
        ],
    });
    // YAML 1.2 has no such characters outside of escapes, which JSON need not write.
    let json = |value: &Value| {
        let text = value.to_string();
        text.replace('\u{1b}', "\\u001b")
            .replace('\u{202e}', "\\u202e")
    };
    let checkout = Directory::checkout(&[]);
    checkout.write(&format!(".github/workflows/{file}.yml"), json(&workflow));
    // So many that the page has an index.
    for number in 0..12 {
        checkout.write(
            &format!(".github/workflows/{file}{number}.yml"),
            json(&workflow),
        );
    }
    checkout.write(".github/workflows/broken.yml", format!("{payload:?}: ["));
    checkout.write("policy.json", json(&policy));
    checkout
}

fn printed(checkout: &Directory, format: &str) -> String {
    let arguments = ["matrix", "policy.json", "--format", format];
    let run = checkout.run(&[&arguments[..], &NOW].concat());
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(!run.err.contains('\u{1b}') && run.err.lines().count() == 1);
    run.out
}

#[test]
fn no_text_from_outside_is_markup() {
    for payload in PAYLOADS {
        let checkout = hostile(payload);
        let human = printed(&checkout, "human");
        assert!(!human.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));

        let json: Value = serde_json::from_str(&printed(&checkout, "json")).unwrap();
        let environments: Vec<_> = json["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["environment"]["name"])
            .collect();
        assert!(environments.contains(&&json!(payload)), "{json}");

        inert_markdown(&printed(&checkout, "markdown"), payload);
        let html = printed(&checkout, "html");
        sound_page(&html);
        let page = tree(&html);
        let text: String = page.descendants().filter_map(|node| node.text()).collect();
        let visible = payload.replace('\r', "\\r").replace('\n', "\\n");
        let visible = visible
            .replace('\u{1b}', "\\u{1b}")
            .replace('\u{202e}', "\\u{202e}");
        assert!(text.contains(&visible), "{visible}");
    }
}

/// Tables, lists, code and words: nothing else, and each row with all of its cells.
fn inert_markdown(markdown: &str, payload: &str) {
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    let root = parse_document(&arena, markdown, &options);
    let mut codes = 0;
    let mut cells = BTreeSet::new();
    for node in root.descendants() {
        match &node.data.borrow().value {
            NodeValue::Document
            | NodeValue::Heading(_)
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::Paragraph
            | NodeValue::Text(_)
            | NodeValue::Emph
            | NodeValue::Table(_)
            | NodeValue::TableCell => {}
            NodeValue::Link(link) => assert!(is_lint_page(&link.url), "{}", link.url),
            NodeValue::TableRow(_) => {
                cells.insert(node.children().count());
            }
            NodeValue::HtmlInline(html) => assert_eq!(html, "<br>", "{payload}"),
            NodeValue::Code(_) => codes += 1,
            other => panic!("{other:?} for {payload}\n{markdown}"),
        }
    }
    assert!(codes > 10);
    assert_eq!(cells.len(), 1, "{markdown}");
}

pub fn tree(html: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}\n{html}"))
}

/// The page as a tree: only these elements and attributes, nothing from elsewhere, no script but
/// the search's, and what a reader without eyes needs.
#[track_caller]
pub fn sound_page(html: &str) {
    let page = tree(html);
    let elements = "html head meta link title style body a div header p h1 dl dt dd code nav ul li main section h2 h3 strong span table caption thead tbody tr th td details summary wbr footer label input script";
    let elements: BTreeSet<_> = elements.split(' ').collect();
    let attributes = "lang charset http-equiv content name rel class href id role tabindex scope colspan aria-label aria-labelledby aria-hidden data-key for type autocomplete spellcheck placeholder open hidden";
    let attributes: BTreeSet<_> = attributes.split(' ').collect();
    let (mut ids, mut links, mut labels) = (BTreeSet::new(), Vec::new(), Vec::new());
    for node in page.descendants() {
        assert!(!node.is_comment() && !node.is_pi());
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        assert!(elements.contains(name), "{name}");
        for attribute in node.attributes() {
            assert!(
                attributes.contains(attribute.name()),
                "{}",
                attribute.name()
            );
            match attribute.name() {
                "href" if name == "link" => assert_eq!(attribute.value(), icon()),
                "href" => match attribute.value().strip_prefix('#') {
                    Some(target) => links.push(target),
                    None => assert!(is_lint_page(attribute.value()), "{}", attribute.value()),
                },
                "aria-labelledby" | "for" => labels.push(attribute.value()),
                "id" => assert!(ids.insert(attribute.value()), "{}", attribute.value()),
                _ => {}
            }
        }
        if name == "th" {
            assert!(matches!(
                node.attribute("scope"),
                Some("col" | "row" | "rowgroup")
            ));
        }
    }
    assert!(
        links
            .iter()
            .chain(&labels)
            .all(|target| ids.contains(target))
    );
    let find = |name: &str| {
        page.descendants()
            .find(|node| node.has_tag_name(name))
            .unwrap()
    };
    let columns = find("thead")
        .descendants()
        .filter(|node| node.has_tag_name("th"))
        .count();
    for row in page.descendants().filter(|node| node.has_tag_name("tr")) {
        let cells = row.children().filter(|node| node.is_element());
        let width: usize = cells
            .map(|cell| {
                cell.attribute("colspan")
                    .map_or(1, |span| span.parse().unwrap())
            })
            .sum();
        assert_eq!(width, columns);
    }
    let style = find("style").text().unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
    let policy = page
        .descendants()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"));
    let script = script(&page).map(|script| format!("script-src 'sha256-{}'; ", hash(script)));
    assert_eq!(
        policy.unwrap().attribute("content"),
        Some(&*format!(
            "default-src 'none'; {}style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
            script.unwrap_or_default(),
            hash(style)
        ))
    );
}

/// The script of a page with an index, which is the same for every page.
fn script<'p>(page: &'p Document<'_>) -> Option<&'p str> {
    let is = |name: &'static str| move |node: &Node<'_, '_>| node.has_tag_name(name);
    let scripts: Vec<_> = page.descendants().filter(is("script")).collect();
    let inputs = page.descendants().filter(is("input")).count();
    assert_eq!(scripts.len(), inputs);
    let script = scripts.first()?.text().unwrap();
    assert_eq!((scripts.len(), script), (1, SCRIPT));
    Some(script)
}

const SCRIPT: &str = include_str!("../../../crates/analysis/src/matrix/html/page.js");

/// The page's icon, which is inside of it: that of the documentation.
fn icon() -> String {
    let drawing = include_str!("../../../docs/theme/favicon.svg").trim_end();
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(drawing))
}

fn hash(text: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    STANDARD.encode(hash)
}

fn is_lint_page(link: &str) -> bool {
    let page = concat!(env!("CARGO_PKG_HOMEPAGE"), "/lint.html#");
    let code = link.strip_prefix(page).unwrap_or_default();
    !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[test]
fn every_page_is_sound() {
    let many = checkout(POLICY_OF_MANY, &MANY);
    for checkout in [many, examples()] {
        let run = checkout.run(&[&["matrix", POLICY, "--format", "html"], &NOW[..]].concat());
        sound_page(&run.out);
    }
}
