//! A page of Markdown, as far as it can be checked.

use std::collections::BTreeMap;
use std::path::Path;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options};

/// A page.
pub struct Page {
    /// Its path from the root of the repository.
    pub file: String,
    pub pieces: Vec<Piece>,
    /// What a link to the page can name after `#`.
    pub anchors: Vec<String>,
    /// Each with its line.
    pub links: Vec<(usize, String)>,
    /// The rows of its tables, cells as they are written, without the head.
    pub rows: Vec<Vec<String>>,
}

/// What is done with a page, in its order.
pub enum Piece {
    Block(Block),
    /// A command that is not shown, and its line.
    Run(usize, String),
    Quote(Quote),
}

/// Markdown that a command prints, shown as a quotation, so that readers see it as GitHub shows it.
pub struct Quote {
    pub command: String,
    /// The line before its first, from 1.
    pub line: usize,
    /// As it is printed.
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// The line of the fence, from 1.
    pub line: usize,
    /// The columns before the fence.
    pub indent: usize,
    /// The words behind the fence.
    pub info: Vec<String>,
    /// Without the indentation.
    pub text: String,
}

impl Block {
    pub fn has(&self, word: &str) -> bool {
        self.info.iter().any(|one| one == word)
    }

    /// The file that the block is, by a comment in its first line.
    pub fn name(&self) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        let is_file = !name.contains(' ') && name.ends_with(".yml");
        is_file.then_some(name)
    }
}

impl Page {
    pub fn read(file: &Path) -> Self {
        let file = file.to_str().unwrap().to_owned();
        let text = super::read(&file);
        let mut options = Options::default();
        options.extension.table = true;
        options.extension.autolink = true;
        let arena = Arena::new();
        let document = comrak::parse_document(&arena, &text, &options);
        let mut page = Self {
            file,
            pieces: Vec::new(),
            anchors: Vec::new(),
            links: Vec::new(),
            rows: Vec::new(),
        };
        let mut repeated = BTreeMap::new();
        let lines: Vec<_> = text.lines().collect();
        for node in document.descendants() {
            let data = node.data.borrow();
            let line = data.sourcepos.start.line;
            match &data.value {
                NodeValue::CodeBlock(code) if code.fenced => {
                    assert!(code.closed, "{}:{line}: never closed", page.file);
                    page.pieces.push(Piece::Block(Block {
                        line,
                        indent: data.sourcepos.start.column - 1,
                        info: code.info.split_whitespace().map(str::to_owned).collect(),
                        text: code.literal.clone(),
                    }));
                }
                NodeValue::HtmlBlock(html) => {
                    page.html(line, &html.literal);
                    page.quote(line, &html.literal, &lines);
                }
                NodeValue::HtmlInline(html) => page.html(line, html),
                NodeValue::Heading(_) => {
                    let anchor = anchor(&text_of(node));
                    let count = repeated.entry(anchor.clone()).or_insert(0);
                    page.anchors.push(match *count {
                        0 => anchor,
                        count => format!("{anchor}-{count}"),
                    });
                    *count += 1;
                }
                NodeValue::Link(link) | NodeValue::Image(link) => {
                    page.links.push((line, link.url.clone()));
                }
                NodeValue::TableRow(false) => {
                    page.rows.push(node.children().map(source_of).collect());
                }
                _ => {}
            }
        }
        page
    }

    /// What stands below a comment that says which command prints it.
    fn quote(&mut self, line: usize, html: &str, lines: &[&str]) {
        let command = html.trim().strip_prefix("<!-- shows: ");
        let Some(command) = command.and_then(|rest| rest.strip_suffix(" -->")) else {
            return;
        };
        let rest = lines.iter().skip(line);
        let quoted = rest.map_while(|line| line.strip_prefix('>'));
        let text: Vec<_> = quoted
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        self.pieces.push(Piece::Quote(Quote {
            command: command.to_owned(),
            line,
            text: text.join("\n"),
        }));
    }

    /// Comments that are commands, anchors and links of HTML.
    fn html(&mut self, line: usize, html: &str) {
        if let Some(command) = html.trim().strip_prefix("<!-- run:") {
            let command = command.strip_suffix("-->").unwrap().trim().to_owned();
            self.pieces.push(Piece::Run(line, command));
        }
        for attribute in html.split([' ', '<', '>', '\n']) {
            let Some((name, value)) = attribute.split_once('=') else {
                continue;
            };
            let value = value.trim_matches('"').to_owned();
            match name {
                "id" => self.anchors.push(value),
                "href" | "src" | "srcset" => self.links.push((line, value)),
                _ => {}
            }
        }
    }
}

/// The text of a node, without its marks.
fn text_of<'a>(node: &'a AstNode<'a>) -> String {
    let texts = node
        .descendants()
        .map(|node| match &node.data.borrow().value {
            NodeValue::Text(text) => text.to_string(),
            NodeValue::Code(code) => code.literal.clone(),
            _ => String::new(),
        });
    texts.collect()
}

/// A cell with the marks of code.
fn source_of<'a>(node: &'a AstNode<'a>) -> String {
    let texts = node
        .descendants()
        .map(|node| match &node.data.borrow().value {
            NodeValue::Text(text) => text.to_string(),
            NodeValue::Code(code) => format!("`{}`", code.literal),
            _ => String::new(),
        });
    texts.collect()
}

/// The anchor of a heading, by the rule of GitHub and mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || "-_".contains(c) => Some(c.to_lowercase().collect()),
        ' ' => Some("-".to_owned()),
        _ => None,
    });
    kept.collect()
}
