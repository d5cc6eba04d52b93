//! A query that is valid, with its variables.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use graphql_tools::parser::parse_schema;
use graphql_tools::parser::query::parse_query;
use graphql_tools::static_graphql::{query, schema};
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::validate;
use serde_json::{Value, json};

static SCHEMA: LazyLock<Result<schema::Document, String>> = LazyLock::new(|| {
    parse_schema::<String>(include_str!("schema.graphql"))
        .map(graphql_tools::parser::schema::Document::into_static)
        .map_err(|error| error.to_string())
});

/// The one operation of a document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) selection: query::SelectionSet,
    variables: BTreeMap<String, Value>,
}

/// A field with its arguments, in the answer under `key`.
#[derive(Debug)]
pub(crate) struct Field<'o> {
    pub(crate) key: &'o str,
    pub(crate) name: &'o str,
    pub(crate) arguments: BTreeMap<&'o str, Value>,
    pub(crate) selection: &'o query::SelectionSet,
}

impl Operation {
    /// Reads the body of a request, `{"query": …, "variables": …}`; the errors are as GitHub writes them.
    pub(crate) fn read(body: &Value) -> Result<Self, Vec<Value>> {
        let text = body.get("query").and_then(Value::as_str);
        let text = text
            .ok_or_else(|| failed("A query attribute must be specified and must be a string."))?;
        let query = valid(text)?;
        let given = body.get("variables").cloned().unwrap_or_default();
        let variables = query.variable_definitions.iter().map(|definition| {
            let name = &definition.name;
            let default = definition.default_value.as_ref();
            let default = default.map(|value| literal(value, &BTreeMap::new()));
            // A `null` that is given is no absence.
            let value = given.get(name).cloned().or(default).unwrap_or_default();
            match (fits(&value, &definition.var_type), &definition.var_type) {
                (true, _) => Ok((name.clone(), value)),
                (false, kind) => Err(failed(&format!(
                    "Variable ${name} of type {kind} was provided invalid value"
                ))),
            }
        });
        Ok(Self {
            variables: variables.collect::<Result<_, _>>()?,
            selection: query.selection_set,
        })
    }

    /// The fields that are asked for of an object of these types.
    pub(crate) fn fields<'o>(
        &'o self,
        selection: &'o query::SelectionSet,
        types: &[&str],
    ) -> Vec<Field<'o>> {
        let mut fields = Vec::new();
        for item in &selection.items {
            match item {
                query::Selection::Field(field) if self.is_included(&field.directives) => {
                    let arguments = field.arguments.iter();
                    fields.push(Field {
                        key: field.alias.as_deref().unwrap_or(&field.name),
                        name: &field.name,
                        arguments: arguments
                            .map(|(name, value)| (name.as_str(), self.value(value)))
                            .collect(),
                        selection: &field.selection_set,
                    });
                }
                query::Selection::InlineFragment(fragment)
                    if self.is_included(&fragment.directives) =>
                {
                    let fits = fragment.type_condition.as_ref().is_none_or(|condition| {
                        let query::TypeCondition::On(name) = condition;
                        types.is_empty() || types.contains(&name.as_str())
                    });
                    if fits {
                        fields.extend(self.fields(&fragment.selection_set, types));
                    }
                }
                _ => {}
            }
        }
        fields
    }

    fn is_included(&self, directives: &[query::Directive]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let value = condition.map(|(_, value)| self.value(value));
            value == Some(Value::Bool(directive.name == "include"))
        })
    }

    fn value(&self, value: &query::Value) -> Value {
        literal(value, &self.variables)
    }
}

fn failed(message: &str) -> Vec<Value> {
    vec![json!({"message": message})]
}

/// The one query of a document that is valid by the schema.
fn valid(text: &str) -> Result<query::Query, Vec<Value>> {
    let document = parse_query::<String>(text).map_err(|error| failed(&error.to_string()))?;
    let document = document.into_static();
    let schema = SCHEMA.as_ref().map_err(|error| failed(error))?;
    let problems = validate(schema, &document, &default_rules_validation_plan());
    if !problems.is_empty() {
        let problems = problems.iter();
        let problems = problems.map(|problem| {
            json!({"message": problem.message, "extensions": {"code": problem.error_code}})
        });
        return Err(problems.collect());
    }
    let mut definitions = document.definitions.into_iter();
    match (definitions.next(), definitions.next()) {
        (Some(query::Definition::Operation(query::OperationDefinition::Query(query))), None) => {
            Ok(query)
        }
        _ => Err(failed("only one query without fragments is modelled")),
    }
}

fn literal(value: &query::Value, variables: &BTreeMap<String, Value>) -> Value {
    match value {
        query::Value::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        query::Value::Int(number) => number.as_i64().into(),
        query::Value::Float(number) => (*number).into(),
        query::Value::String(text) | query::Value::Enum(text) => text.as_str().into(),
        query::Value::Boolean(is) => (*is).into(),
        query::Value::Null => Value::Null,
        query::Value::List(list) => list.iter().map(|item| literal(item, variables)).collect(),
        query::Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| (key.clone(), literal(value, variables)));
            Value::Object(members.collect())
        }
    }
}

/// Whether a variable's value is one of its type, as far as scalars are concerned.
fn fits(value: &Value, kind: &query::Type) -> bool {
    match kind {
        query::Type::NonNullType(kind) => !value.is_null() && fits(value, kind),
        _ if value.is_null() => true,
        query::Type::ListType(kind) => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(item, kind))),
        query::Type::NamedType(name) => match name.as_str() {
            "Int" => value.is_i64(),
            "Boolean" => value.is_boolean(),
            "String" | "ID" => value.is_string(),
            _ => true,
        },
    }
}
