//! Ours and the peers behind one shape.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::policy::{CASBIN, Policy, REGO};
use crate::request::Request;

/// A policy that was loaded; decides as often as it is asked.
pub type Decide = Box<dyn FnMut(&Request) -> Result<bool>>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    OursYaml,
    OursJson,
    Cedar,
    RegorusJson,
    RegorusYaml,
    Casbin,
}

impl Engine {
    pub const ALL: [Self; 6] = [
        Self::OursYaml,
        Self::OursJson,
        Self::Cedar,
        Self::RegorusJson,
        Self::RegorusYaml,
        Self::Casbin,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::OursYaml => "ours, YAML",
            Self::OursJson => "ours, JSON",
            Self::Cedar => "cedar-policy",
            Self::RegorusJson => "regorus, JSON",
            Self::RegorusYaml => "regorus, YAML",
            Self::Casbin => "casbin, CSV",
        }
    }

    pub fn is_ours(self) -> bool {
        matches!(self, Self::OursYaml | Self::OursJson)
    }

    /// The policy in the engine's own language.
    pub fn text(self, policy: Policy) -> Result<String> {
        Ok(match self {
            Self::OursYaml => policy.yaml(),
            Self::OursJson => policy.json(),
            Self::Cedar => policy.cedar(),
            Self::RegorusJson => policy.rego_data().to_string(),
            // Flow style of a JSON text would be YAML too; this is what one writes.
            Self::RegorusYaml => crate::yaml::written(&policy.rego_data()),
            Self::Casbin => policy.casbin(),
        })
    }

    /// Loads the policy and decides once.
    pub fn once(self, text: &'static str, request: &'static Request) -> Result<bool> {
        match self {
            Self::OursYaml | Self::OursJson => ours::once(self, text, request),
            _ => self.load(text)?(request),
        }
    }

    /// Loads the policy for many decisions.
    pub fn load(self, text: &'static str) -> Result<Decide> {
        match self {
            Self::OursYaml | Self::OursJson => ours::load(self, text),
            Self::Cedar => cedar(text),
            Self::RegorusJson | Self::RegorusYaml => rego(self, text),
            Self::Casbin => casbin(text),
        }
    }
}

mod ours {
    use ::engine::context::Context;
    use ::engine::decision;
    use ::engine::decision::{Decision, PermissionDecision, Policies, Question, Scope, decide};
    use ::engine::policy::{Format, PermissionKey, Policy, PolicyQuery};
    use anyhow::Result;
    use jiff::Timestamp;

    use super::{Decide, Engine};
    use crate::request::Request;

    fn format(engine: Engine) -> Format {
        match engine {
            Engine::OursJson => Format::Json,
            _ => Format::Yaml,
        }
    }

    fn context(request: &Request) -> Context {
        Context {
            repository: Some(request.repository.clone()),
            workflow: Some(request.workflow.to_owned()),
            branch: Some(request.branch.to_owned()),
            environment: request.environment.map(str::to_owned),
            event: Some("push".to_owned()),
            ..Context::default()
        }
    }

    fn is_allowed(decisions: &[PermissionDecision]) -> Result<bool> {
        let [decision] = decisions else {
            anyhow::bail!("not one decision");
        };
        Ok(decision.decision == Decision::Allowed)
    }

    /// As a step does: it knows what it asks before it reads the policy.
    pub(super) fn once(engine: Engine, text: &str, request: &Request) -> Result<bool> {
        let permissions = [PermissionKey::parse(request.permission.into())?];
        let context = context(request);
        let asked = PolicyQuery {
            repository: context.repository.as_deref(),
            permissions: &permissions,
        };
        let document = Policy::parse_for(text, format(engine), &asked)?;
        is_allowed(&decided(
            &decision::Engine::new(document),
            &permissions,
            &context,
        )?)
    }

    fn decided(
        policy: &decision::Engine,
        permissions: &[PermissionKey],
        context: &Context,
    ) -> Result<Vec<PermissionDecision>> {
        let question = Question::new(permissions, context, Timestamp::UNIX_EPOCH);
        Ok(decide(Policies::one(policy, Scope::Given), question)?)
    }

    pub(super) fn load(engine: Engine, text: &'static str) -> Result<Decide> {
        let policy = decision::Engine::new(Policy::parse(text, format(engine))?);
        Ok(Box::new(move |request| {
            let permissions = [PermissionKey::parse(request.permission.into())?];
            let context = context(request);
            is_allowed(&decided(&policy, &permissions, &context)?)
        }))
    }
}

fn cedar(text: &str) -> Result<Decide> {
    use cedar_policy::{
        Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet,
        Request as CedarRequest, RestrictedExpression,
    };
    let policies: PolicySet = text.parse()?;
    let authorizer = Authorizer::new();
    let entities = Entities::empty();
    let kinds: [EntityTypeName; 3] = ["Job".parse()?, "Action".parse()?, "Repository".parse()?];
    let uid = move |kind: usize, id: &str| {
        EntityUid::from_type_name_and_id(kinds[kind].clone(), EntityId::new(id))
    };
    Ok(Box::new(move |request| {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let mut context = vec![
            ("repository".to_owned(), text(&request.repository)),
            ("workflow".to_owned(), text(request.workflow)),
            ("branch".to_owned(), text(request.branch)),
        ];
        context.extend(
            request
                .environment
                .map(|e| ("environment".to_owned(), text(e))),
        );
        let request = CedarRequest::new(
            uid(0, "run"),
            uid(1, request.permission),
            uid(2, &request.repository),
            Context::from_pairs(context)?,
            None,
        )?;
        let response = authorizer.is_authorized(&request, &policies, &entities);
        ensure!(
            response.diagnostics().errors().next().is_none(),
            "an error of a policy"
        );
        Ok(response.decision() == Decision::Allow)
    }))
}

fn rego(engine: Engine, text: &str) -> Result<Decide> {
    use regorus::Value;
    let mut interpreter = regorus::Engine::new();
    interpreter.add_policy("gate.rego".to_owned(), REGO.to_owned())?;
    interpreter.add_data(match engine {
        Engine::RegorusYaml => Value::from_yaml_str(text)?,
        _ => Value::from_json_str(text)?,
    })?;
    Ok(Box::new(move |request| {
        let pair = |name: &str, value: &str| (Value::from(name), Value::from(value));
        let mut input = BTreeMap::from([
            pair("repository", &request.repository),
            pair("permission", request.permission),
            pair("workflow", request.workflow),
            pair("branch", request.branch),
        ]);
        input.extend(request.environment.map(|name| pair("environment", name)));
        interpreter.set_input(input.into());
        let allowed = interpreter.eval_rule("data.gate.allow".to_owned())?;
        allowed.as_bool().copied()
    }))
}

fn casbin(text: &str) -> Result<Decide> {
    use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let enforcer = runtime.block_on(async {
        let model = DefaultModel::from_str(CASBIN).await?;
        Enforcer::new(model, StringAdapter::new(text)).await
    });
    let enforcer = enforcer.context("casbin")?;
    Ok(Box::new(move |request| {
        let environment = request.environment.unwrap_or_default();
        let Request {
            repository,
            permission,
            workflow,
            branch,
            ..
        } = request;
        Ok(enforcer.enforce((&**repository, *permission, *workflow, *branch, environment))?)
    }))
}
