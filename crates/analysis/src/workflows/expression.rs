//! Possible values of a text with expressions, as far as the files determine them.
//!
//! Source: docs.github.com, "Evaluate expressions in workflows and actions". Supported are the
//! expressions that choose between values in the files: `inputs.X`, `github.event.inputs.X`, `matrix.X`,
//! quoted strings, `||`, and `CONDITION && VALUE` before a `||`. The value of any other expression is
//! known only to a run.

/// Maximum number of values of one text; a text with more counts as unknown.
pub(super) const MAX_VALUES: usize = 256;
/// Maximum length of a value, in bytes.
const MAX_LENGTH: usize = 4_096;

/// Source of the values of names.
pub(super) trait Names {
    /// Returns the possible values of `inputs.NAME`, with an empty one if the input is optional; `None` if
    /// only a run knows.
    fn input(&self, name: &str) -> Option<Vec<String>>;
    /// Returns the possible values of `matrix.PATH` in the same way.
    fn matrix(&self, path: &str) -> Option<Vec<String>>;
}

/// Returns the distinct possible values of the text; `None` if only a run knows.
pub(super) fn values(text: &str, names: &dyn Names) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = split_outside(after, "}}")?;
        let parts = expression_values(expression, names)?;
        values.iter_mut().for_each(|value| value.push_str(before));
        values = product(&values, &parts)?;
        rest = after;
    }
    values.iter_mut().for_each(|value| value.push_str(rest));
    Some(values)
}

fn product(starts: &[String], parts: &[String]) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for start in starts {
        for part in parts {
            push_once(&mut values, format!("{start}{part}"))?;
        }
    }
    Some(values)
}

fn push_once(values: &mut Vec<String>, value: String) -> Option<()> {
    if value.len() > MAX_LENGTH {
        return None;
    }
    if !values.contains(&value) {
        values.push(value);
    }
    (values.len() <= MAX_VALUES).then_some(())
}

/// Evaluates `A || B || C`: A unless it is empty, and so on.
fn expression_values(expression: &str, names: &dyn Names) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = Some(expression);
    while let Some(alternatives) = rest {
        let (alternative, others) = match split_outside(alternatives, "||") {
            Some((first, others)) => (first, Some(others)),
            None => (alternatives, None),
        };
        rest = others;
        let operand = match rsplit_outside(alternative, "&&") {
            // As the last alternative, `CONDITION && VALUE` can be `false`.
            Some(_) if rest.is_none() => return None,
            Some(operand) => operand,
            None => alternative,
        };
        for value in operand_values(operand.trim(), names)? {
            if rest.is_none() || !value.is_empty() {
                push_once(&mut values, value)?;
            }
        }
    }
    Some(values)
}

fn operand_values(operand: &str, names: &dyn Names) -> Option<Vec<String>> {
    if let Some(quoted) = operand.strip_prefix('\'') {
        let text = quoted.strip_suffix('\'')?;
        // `''` stands for a quote inside the string; any other `'` ends it.
        let plain = text.replace("''", "");
        return (!plain.contains('\'')).then(|| vec![text.replace("''", "'")]);
    }
    let is_path = operand
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !is_path {
        return None;
    }
    let input = operand
        .strip_prefix("inputs.")
        .or_else(|| operand.strip_prefix("github.event.inputs."));
    match (input, operand.strip_prefix("matrix.")) {
        (Some(name), _) => names.input(name),
        (_, Some(path)) => names.matrix(path),
        _ => None,
    }
}

/// Splits at the first separator outside quotes and brackets.
fn split_outside<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    let at = outside(text, separator).next()?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}

/// Returns what follows the last such separator.
fn rsplit_outside<'t>(text: &'t str, separator: &str) -> Option<&'t str> {
    let at = outside(text, separator).last()?;
    text.get(at + separator.len()..)
}

fn outside(text: &str, separator: &str) -> impl Iterator<Item = usize> {
    let (mut quoted, mut depth) = (false, 0_usize);
    text.char_indices().filter_map(move |(at, c)| {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        let found = !quoted && depth == 0 && text.get(at..)?.starts_with(separator);
        found.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Names for Known {
        fn input(&self, name: &str) -> Option<Vec<String>> {
            match name {
                "environment" => Some(vec!["dev".into(), "prod".into()]),
                "optional" => Some(vec!["dev".into(), String::new()]),
                _ => None,
            }
        }

        fn matrix(&self, path: &str) -> Option<Vec<String>> {
            (path == "target.region").then(|| vec!["eu".into(), "us".into()])
        }
    }

    #[test]
    fn possible_values() {
        for (text, expected) in [
            ("production", "production"),
            ("${{ inputs.environment }}", "dev prod"),
            ("${{github.event.inputs.environment}}", "dev prod"),
            ("x-${{ inputs.environment }}-y", "x-dev-y x-prod-y"),
            (
                "${{ inputs.environment }}-${{ matrix.target.region }}",
                "dev-eu dev-us prod-eu prod-us",
            ),
            ("${{ inputs.optional || 'it''s' }}", "dev it's"),
            ("${{ inputs.optional }}", "dev "),
            (
                "${{ (github.ref == 'refs/heads/main' || x) && 'prod' || 'dev' }}",
                "prod dev",
            ),
            ("${{ '}}' }}", "}}"),
            ("${{ a && b && 'c' || inputs.environment }}", "c dev prod"),
        ] {
            let values = values(text, &Known).map(|values| values.join(" "));
            assert_eq!(values.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "${{ inputs.other }}",
            "${{ vars.ENVIRONMENT }}",
            "${{ fromJSON(inputs.environment).name }}",
            "${{ inputs['environment'] }}",
            "${{ github.ref == 'x' && 'prod' }}",
            "${{ 'a' == 'a' }}",
            "${{ !inputs.environment }}",
            "${{ inputs.environment",
            "${{ }}",
            "prod-${{ github.ref_name }}",
        ] {
            assert_eq!(values(text, &Known), None, "{text}");
        }
    }

    #[test]
    fn too_many_values_are_unknown() {
        let text = "${{ inputs.environment }}".repeat(9);
        assert_eq!(values(&text, &Known), None);
    }
}
