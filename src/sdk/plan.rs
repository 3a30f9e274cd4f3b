//! The steps from a proposed to a planned state, as pure functions on values, and the
//! rules that Terraform holds a plan to.

use std::collections::BTreeMap;

use super::diagnostic::Path;
use super::schema::{Block, Nesting, Schema};
use super::value::Value;

/// The plan before the resource has its say: defaults filled in, write-only values
/// taken out, computed values unknown where they may change.
pub fn propose(schema: &Schema, prior: &Value, proposed: &Value, config: &Value) -> Value {
    let block = &schema.block;
    let planned = fill(block, proposed, config, prior.is_null());
    if prior.is_null() || same_inputs(block, prior, &planned) {
        return planned;
    }
    forget_computed(block, &planned, config)
}

/// Defaults, nothing write-only, and for a new object unknown computed values.
fn fill(block: &Block, proposed: &Value, config: &Value, is_new: bool) -> Value {
    let Value::Map(proposed) = proposed else {
        return proposed.clone();
    };
    let mut planned = proposed.clone();
    for attribute in &block.attributes {
        let given = config.attribute(&attribute.name);
        let value = match (&attribute.default, given) {
            _ if attribute.write_only => Value::Null,
            (Some(default), Value::Null) => default.clone(),
            (None, Value::Null) if is_new && attribute.is_computed() => Value::Unknown,
            _ => continue,
        };
        planned.insert(attribute.name.clone(), value);
    }
    for nested in &block.blocks {
        let given = config.attribute(&nested.name);
        let value = match planned.get(&nested.name) {
            Some(Value::List(list)) => Value::List(
                list.iter()
                    .enumerate()
                    .map(|(index, inner)| {
                        let given = match (given, nested.nesting) {
                            (Value::List(given), Nesting::List) => {
                                given.get(index).unwrap_or(inner)
                            }
                            _ => inner,
                        };
                        fill(&nested.block, inner, given, is_new)
                    })
                    .collect(),
            ),
            Some(inner @ Value::Map(_)) => fill(&nested.block, inner, given, is_new),
            _ => continue,
        };
        planned.insert(nested.name.clone(), value);
    }
    Value::Map(planned)
}

/// Whether nothing that a configuration can say has changed.
fn same_inputs(block: &Block, prior: &Value, planned: &Value) -> bool {
    let attributes = block
        .attributes
        .iter()
        .filter(|attribute| attribute.is_configurable() && !attribute.write_only)
        .all(|attribute| prior.attribute(&attribute.name) == planned.attribute(&attribute.name));
    attributes
        && block.blocks.iter().all(|nested| {
            let (before, after) = (
                prior.attribute(&nested.name),
                planned.attribute(&nested.name),
            );
            match (before, after, nested.nesting) {
                (Value::Map(_), Value::Map(_), Nesting::Single) => {
                    same_inputs(&nested.block, before, after)
                }
                _ => before == after,
            }
        })
}

/// Makes computed values unknown that may change with the rest.
fn forget_computed(block: &Block, planned: &Value, config: &Value) -> Value {
    let Value::Map(map) = planned else {
        return planned.clone();
    };
    let mut map: BTreeMap<String, Value> = map.clone();
    for attribute in &block.attributes {
        let free = attribute.is_computed()
            && attribute.default.is_none()
            && !attribute.keeps_state
            && config.attribute(&attribute.name).is_null();
        if free {
            map.insert(attribute.name.clone(), Value::Unknown);
        }
    }
    for nested in &block.blocks {
        if let Some(inner @ Value::Map(_)) = map.get(&nested.name) {
            let inner = forget_computed(&nested.block, inner, config.attribute(&nested.name));
            map.insert(nested.name.clone(), inner);
        }
    }
    Value::Map(map)
}

/// The attributes whose change makes a new object.
pub fn replaced(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    if !prior.is_null() && !planned.is_null() {
        collect_replaced(&schema.block, prior, planned, &Path::root(), &mut paths);
    }
    paths
}

fn collect_replaced(
    block: &Block,
    prior: &Value,
    planned: &Value,
    path: &Path,
    paths: &mut Vec<Path>,
) {
    for attribute in block.attributes.iter().filter(|one| one.requires_replace) {
        if prior.attribute(&attribute.name) != planned.attribute(&attribute.name) {
            paths.push(path.attribute(&attribute.name));
        }
    }
    for nested in &block.blocks {
        if nested.nesting == Nesting::Single {
            let (before, after) = (
                prior.attribute(&nested.name),
                planned.attribute(&nested.name),
            );
            collect_replaced(
                &nested.block,
                before,
                after,
                &path.attribute(&nested.name),
                paths,
            );
        }
    }
}

/// Where a plan breaks the rules that Terraform holds it to; each would be shown to
/// the user as a bug of the provider.
pub fn breaches(schema: &Schema, prior: &Value, config: &Value, planned: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if config.is_null() != planned.is_null() {
        found.push(
            "the object is planned although it is not configured, or not although it is".to_owned(),
        );
    } else {
        check_block(
            &schema.block,
            prior,
            config,
            planned,
            &Path::root(),
            &mut found,
        );
    }
    found
}

fn check_block(
    block: &Block,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<String>,
) {
    for attribute in &block.attributes {
        let name = &attribute.name;
        let (given, plan) = (config.attribute(name), planned.attribute(name));
        let path = path.attribute(name);
        if attribute.write_only {
            if !plan.is_null() {
                found.push(format!("{path}: a write-only value is planned"));
            }
        } else if given.is_null() && attribute.is_computed() {
            // The provider's to choose.
        } else if plan != given && (prior.is_null() || plan != prior.attribute(name)) {
            found.push(format!(
                "{path}: the plan is neither the configuration nor the state"
            ));
        }
    }
    for nested in &block.blocks {
        let given = config.attribute(&nested.name);
        let plan = planned.attribute(&nested.name);
        let before = prior.attribute(&nested.name);
        let path = path.attribute(&nested.name);
        match (given, plan) {
            (Value::Map(_), Value::Map(_)) => {
                check_block(&nested.block, before, given, plan, &path, found);
            }
            (Value::List(given), Value::List(plan)) if given.len() == plan.len() => {}
            (Value::Null, Value::Null) | (Value::Unknown, Value::Unknown) => {}
            _ => found.push(format!("{path}: other blocks are planned than configured")),
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
