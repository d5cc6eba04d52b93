//! YAML as GitHub reads it: one document, anchors and aliases, and neither merge keys nor keys given twice.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};

/// A node of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A text, and whether it is plain: a plain one can be a number, a boolean or null.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The document, or what GitHub refuses in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            parser: Parser::new_from_str(text),
            anchors: HashMap::new(),
        };
        loop {
            match reader.next()? {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(Self::Scalar(String::new(), true)),
                event => return reader.node(event),
            }
        }
    }

    /// A member of a mapping. The syntax of a workflow has keys of one spelling.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let found = self.members().iter().find(|(name, _)| name == key);
        found.map(|(_, node)| node)
    }

    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or of a text alone.
    pub fn texts(&self) -> Vec<String> {
        let one = self.text().into_iter();
        let all = one.chain(self.items().iter().filter_map(Self::text));
        all.map(str::to_owned).collect()
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: Event<'a>) -> Result<Node, String> {
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, _) => (
                anchor,
                Node::Scalar(text.into_owned(), style == ScalarStyle::Plain),
            ),
            Event::SequenceStart(_, anchor, _) => (anchor, self.list()?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map()?),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                return known.ok_or_else(|| "an alias inside its own anchor".to_owned());
            }
            other => return Err(format!("unexpected {other:?}")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Node::List(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn map(&mut self) -> Result<Node, String> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let event = match self.next()? {
                Event::MappingEnd => return Ok(Node::Map(members)),
                event => event,
            };
            let Node::Scalar(key, plain) = self.node(event)? else {
                return Err("a key that is not a text".to_owned());
            };
            if plain && key == "<<" {
                return Err("a merge key".to_owned());
            }
            if members.iter().any(|(known, _)| *known == key) {
                return Err(format!("`{key}` is given twice"));
            }
            let event = self.next()?;
            members.push((key, self.node(event)?));
        }
    }
}
