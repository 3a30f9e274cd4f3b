//! Policies: who has which role, under which condition, and since when that counts.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::clock;
use super::crypto::{base64, hex, sha256};
use super::refusal::{Refusal, words};

/// One role and who has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binding {
    pub(crate) role: String,
    pub(crate) members: Vec<String>,
    /// `{"title", "description", "expression"}`.
    pub(crate) condition: Option<Value>,
}

/// What hangs on a bucket, an account, a key or a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    pub(crate) bindings: Vec<Binding>,
}

/// A policy as a caller sends it.
pub(crate) struct Sent {
    pub(crate) policy: Policy,
    pub(crate) etag: Option<String>,
    pub(crate) version: i64,
}

impl Policy {
    /// One role for some members.
    pub(crate) fn bind(mut self, role: &str, members: &[String]) -> Self {
        self.bindings.push(Binding {
            role: role.to_owned(),
            members: members.to_vec(),
            condition: None,
        });
        self
    }

    pub(crate) fn has_conditions(&self) -> bool {
        self.bindings.iter().any(|one| one.condition.is_some())
    }

    /// Every member, with the role.
    pub(crate) fn members(&self) -> impl Iterator<Item = &String> {
        self.bindings.iter().flat_map(|one| &one.members)
    }

    /// One binding for each role and condition, no member twice, none empty.
    fn tidy(&mut self) {
        let mut tidy: Vec<Binding> = Vec::new();
        for binding in std::mem::take(&mut self.bindings) {
            let same = tidy
                .iter_mut()
                .find(|one| one.role == binding.role && one.condition == binding.condition);
            let target = if let Some(target) = same {
                target
            } else {
                tidy.push(Binding {
                    members: Vec::new(),
                    ..binding.clone()
                });
                let last = tidy.len() - 1;
                &mut tidy[last]
            };
            for member in binding.members {
                if !target.members.contains(&member) {
                    target.members.push(member);
                }
            }
        }
        tidy.retain(|one| !one.members.is_empty());
        self.bindings = tidy;
    }

    /// The policy for a caller that asked for `version`. Below version 3 a condition
    /// cannot be shown: its role is, under a name that grants nothing.
    pub(crate) fn view(&self, version: i64, etag: &str) -> Value {
        let bindings: Vec<Value> = self
            .bindings
            .iter()
            .map(|one| {
                let mut view = json!({"role": one.role, "members": words(&one.members)});
                match &one.condition {
                    Some(condition) if version >= 3 => view["condition"] = condition.clone(),
                    Some(condition) => {
                        let mark = hex(&sha256(condition.to_string().as_bytes())[..10]);
                        view["role"] = json!(format!("{}_withcond_{mark}", one.role));
                    }
                    None => {}
                }
                view
            })
            .collect();
        let mut view = json!({"etag": etag});
        if !bindings.is_empty() {
            view["bindings"] = json!(bindings);
        }
        let shown = if version >= 3 && self.has_conditions() {
            3
        } else {
            1
        };
        if !self.bindings.is_empty() {
            view["version"] = json!(shown);
        }
        view
    }

    /// Writes `deleted:` before a member that is gone.
    pub(crate) fn bury(&mut self, member: &str, unique_id: &str) {
        for binding in &mut self.bindings {
            for one in &mut binding.members {
                if one == member {
                    *one = format!("deleted:{member}?uid={unique_id}");
                }
            }
        }
    }

    /// The opposite.
    pub(crate) fn unbury(&mut self, member: &str, unique_id: &str) {
        let buried = format!("deleted:{member}?uid={unique_id}");
        for binding in &mut self.bindings {
            for one in &mut binding.members {
                if *one == buried {
                    member.clone_into(one);
                }
            }
        }
    }
}

impl Sent {
    /// Reads a policy. Whether its roles and members exist is looked at elsewhere.
    pub(crate) fn parse(body: &Value) -> Result<Self, Refusal> {
        let body = body.as_object().ok_or_else(Refusal::parse_error)?;
        let known = [
            "kind",
            "resourceId",
            "version",
            "etag",
            "bindings",
            "auditConfigs",
        ];
        only(body, &known, "policy")?;
        let version = match body.get("version") {
            None | Some(Value::Null) => 0,
            Some(version) => version
                .as_i64()
                .ok_or_else(|| Refusal::invalid("The policy's version is not a number."))?,
        };
        if ![0, 1, 3].contains(&version) {
            return Err(Refusal::invalid(format!(
                "Invalid policy version: {version}"
            )));
        }
        let mut policy = Policy::default();
        let bindings = body.get("bindings").cloned().unwrap_or_default();
        let bindings = match bindings {
            Value::Null => Vec::new(),
            Value::Array(list) => list,
            _ => return Err(Refusal::parse_error()),
        };
        for binding in &bindings {
            policy.bindings.push(parse_binding(binding)?);
        }
        if policy.has_conditions() && version != 3 {
            return Err(Refusal::invalid(
                "The specified policy has conditional bindings; its version must be 3.",
            ));
        }
        policy.tidy();
        let etag = body.get("etag").and_then(Value::as_str);
        Ok(Self {
            policy,
            etag: etag.filter(|etag| !etag.is_empty()).map(str::to_owned),
            version,
        })
    }
}

fn parse_binding(binding: &Value) -> Result<Binding, Refusal> {
    let binding = binding.as_object().ok_or_else(Refusal::parse_error)?;
    only(
        binding,
        &["role", "members", "condition", "bindingId"],
        "binding",
    )?;
    let role = binding
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if role.is_empty() {
        return Err(Refusal::invalid("A binding names no role."));
    }
    if role.contains("_withcond_") {
        return Err(Refusal::invalid(format!(
            "Role {role} is not supported for this resource."
        )));
    }
    let members = match binding.get("members") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|one| one.as_str().map(plain_member))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(Refusal::parse_error)?,
        Some(_) => return Err(Refusal::parse_error()),
    };
    let condition = match binding.get("condition") {
        None | Some(Value::Null) => None,
        Some(Value::Object(condition)) => {
            let known = ["title", "description", "expression", "location"];
            only(condition, &known, "condition")?;
            let has = |field: &str| condition.get(field).is_some_and(|text| text != "");
            if !has("expression") || !has("title") {
                return Err(Refusal::invalid(
                    "A condition must have a title and an expression.",
                ));
            }
            Some(Value::Object(condition.clone()))
        }
        Some(_) => return Err(Refusal::parse_error()),
    };
    Ok(Binding {
        role: role.to_owned(),
        members,
        condition,
    })
}

/// Addresses are kept in lower case.
fn plain_member(member: &str) -> String {
    match member.split_once(':') {
        Some((kind @ ("user" | "serviceAccount" | "group" | "domain"), rest)) => {
            format!("{kind}:{}", rest.to_ascii_lowercase())
        }
        _ => member.to_owned(),
    }
}

/// Refuses what nobody knows.
pub(crate) fn only(
    object: &Map<String, Value>,
    known: &[&str],
    place: &str,
) -> Result<(), Refusal> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::invalid(format!(
            "Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        ))),
        None => Ok(()),
    }
}

/// A policy with what it was before, because a change takes time to be felt.
#[derive(Clone, Debug)]
pub(crate) struct Policed {
    history: Vec<(OffsetDateTime, Policy)>,
    pub(crate) etag: String,
}

impl Policed {
    /// A policy that counts from the beginning.
    pub(crate) fn new(policy: Policy, now: OffsetDateTime) -> Self {
        // The tag of a policy that nobody ever set.
        let etag = "ACAB".to_owned();
        Self {
            history: vec![(now, policy)],
            etag,
        }
    }

    /// What was written last.
    pub(crate) fn latest(&self) -> &Policy {
        static NONE: Policy = Policy {
            bindings: Vec::new(),
        };
        self.history.last().map_or(&NONE, |(_, policy)| policy)
    }

    /// What counts at this time.
    pub(crate) fn effective(&self, now: OffsetDateTime) -> &Policy {
        let mut past = self.history.iter().rev();
        past.find(|(since, _)| *since <= now)
            .map_or_else(|| self.latest(), |(_, policy)| policy)
    }

    /// Writes a policy that counts later than it is there.
    pub(crate) fn set(&mut self, policy: Policy, now: OffsetDateTime, counts: OffsetDateTime) {
        // What was still to come is overtaken.
        self.history.push((counts, policy));
        let mut bytes = vec![7];
        bytes.extend(&clock::microseconds(now).to_be_bytes()[1..]);
        let next = base64(&bytes);
        self.etag = if next == self.etag {
            base64(&[&bytes[..], &[0]].concat())
        } else {
            next
        };
    }

    /// Changes every version of the policy alike.
    pub(crate) fn rewrite(&mut self, change: impl Fn(&mut Policy)) {
        for (_, policy) in &mut self.history {
            change(policy);
        }
    }
}

/// Whether a condition holds. Prefixes of names and ends in time are understood, and
/// several of them joined by `&&`; what is not understood does not hold.
pub(crate) fn holds(condition: &Value, name: &str, now: OffsetDateTime) -> bool {
    let expression = condition["expression"].as_str().unwrap_or_default();
    expression.split("&&").all(|part| {
        let part = part.trim();
        let quoted = part.split(['"', '\'']).nth(1).unwrap_or_default();
        if part.starts_with("resource.name.startsWith(") {
            name.starts_with(quoted)
        } else if part.starts_with("request.time <") || part.starts_with("request.time<") {
            clock::parse(quoted).is_some_and(|end| now < end)
        } else {
            part == "true"
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::{Policed, Policy, Sent, holds};

    #[test]
    fn conditions_show_at_version_three_only() {
        let body = json!({"version": 3, "bindings": [
            {"role": "r", "members": ["user:A@b.c", "user:a@b.c"]},
            {"role": "r", "members": ["user:d@e.f"]},
            {"role": "r", "members": ["user:d@e.f"],
                "condition": {"title": "t", "expression": "true"}},
        ]});
        let policy = Sent::parse(&body).unwrap().policy;
        let view = policy.view(3, "e");
        assert_eq!(view["version"], 3);
        assert_eq!(
            view["bindings"][0]["members"],
            json!(["user:a@b.c", "user:d@e.f"])
        );
        assert_eq!(view["bindings"][1]["condition"]["title"], "t");
        let view = policy.view(1, "e");
        assert_eq!(view["version"], 1);
        let role = view["bindings"][1]["role"].as_str().unwrap();
        assert!(role.starts_with("r_withcond_"), "{role}");
        assert_eq!(view["bindings"][1].get("condition"), None);
        let mut body = body;
        body["version"] = json!(1);
        assert!(Sent::parse(&body).is_err());
    }

    #[test]
    fn a_policy_counts_later_than_it_is_there() {
        let now = datetime!(2026-01-01 0:00 UTC);
        let later = datetime!(2026-01-01 0:01 UTC);
        let mut policed = Policed::new(Policy::default(), now);
        policed.set(
            Policy::default().bind("r", &["allUsers".to_owned()]),
            now,
            later,
        );
        assert!(policed.effective(now).bindings.is_empty());
        assert_eq!(policed.latest().bindings.len(), 1);
        assert_eq!(policed.effective(later).bindings.len(), 1);
    }

    #[test]
    fn conditions_are_looked_at() {
        let now = datetime!(2026-01-01 0:00 UTC);
        let is = |expression: &str| holds(&json!({"expression": expression}), "a/b", now);
        assert!(is("resource.name.startsWith(\"a/\")"));
        assert!(!is("resource.name.startsWith('b/')"));
        assert!(is("request.time < timestamp('2027-01-01T00:00:00Z')"));
        assert!(!is(
            "request.time < timestamp('2025-01-01T00:00:00Z') && true"
        ));
        assert!(!is("something.else"));
    }
}
