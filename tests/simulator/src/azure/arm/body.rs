//! What a body may hold: tags, places, and values out of a list.

use serde_json::{Map, Value};

use crate::azure::refusal::Refusal;

/// Checks tags: an object of texts, within the limits of all resources.
pub(crate) fn tags(body: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let tags = match body.get("tags") {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(Value::Null)),
        Some(Value::Object(tags)) => tags,
        Some(_) => return Err(Refusal::content("tags must be an object")),
    };
    if tags.len() > 50 {
        let message = format!(
            "The number of tags '{}' exceeded the maximum allowed '50'.",
            tags.len()
        );
        return Err(Refusal::bad("ResourceTagsExceedLimit", message));
    }
    for (name, value) in tags {
        let Some(value) = value.as_str() else {
            return Err(Refusal::content("the value of a tag must be a string"));
        };
        if name.is_empty() || name.len() > 512 {
            let message = format!("Tag name '{name}' is empty or too long. The limit is '512'.");
            return Err(Refusal::bad("InvalidTagNameLength", message));
        }
        if value.len() > 256 {
            let message = format!(
                "Tag value too large. Following tag value '{value}' exceeded the maximum length. \
                 Maximum allowed length for tag value - '256' characters."
            );
            return Err(Refusal::bad("InvalidTagValueLength", message));
        }
        if name.contains(['<', '>', '%', '&', '\\', '?', '/']) {
            let message = format!(
                "The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control \
                 characters."
            );
            return Err(Refusal::bad("InvalidTagNameCharacters", message));
        }
    }
    Ok(Some(Value::Object(tags.clone())))
}

/// Names as they are compared: `West Europe` is `westeurope`.
pub(crate) fn place(text: &str) -> String {
    text.replace(' ', "").to_ascii_lowercase()
}

/// The location that a resource has to have.
pub(crate) fn location(body: &Map<String, Value>, kind: &str) -> Result<String, Refusal> {
    let sent = body
        .get("location")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if sent.is_empty() {
        let message = "The location property is required for this definition.";
        return Err(Refusal::bad("LocationRequired", message));
    }
    let location = place(sent);
    if !PLACES.contains(&location.as_str()) {
        let message = format!(
            "The provided location '{sent}' is not available for resource type '{kind}'. List of \
             available regions for the resource type is '{}'.",
            PLACES.join(",")
        );
        return Err(Refusal::bad("LocationNotAvailableForResourceType", message));
    }
    Ok(location)
}

/// The places that there are here.
const PLACES: &[&str] = &[
    "eastus",
    "eastus2",
    "westus",
    "westus2",
    "westus3",
    "centralus",
    "northeurope",
    "westeurope",
    "uksouth",
    "francecentral",
    "germanywestcentral",
    "swedencentral",
    "switzerlandnorth",
    "southeastasia",
    "japaneast",
    "australiaeast",
];

/// Something in the same group that is in another place.
pub(crate) fn elsewhere(name: &str, group: &str, there: &str, wanted: &str) -> Refusal {
    let message = format!(
        "The resource '{name}' already exists in location '{there}' in resource group '{group}'. \
         A resource with the same name cannot be created in location '{wanted}'. Please select a \
         new resource name."
    );
    Refusal::conflict("InvalidResourceLocation", message)
}

/// A property that, where it is there, has to be one of some values.
pub(crate) fn one_of(
    properties: &Map<String, Value>,
    name: &str,
    values: &[&str],
) -> Result<(), Refusal> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(value)) if values.contains(&value.as_str()) => Ok(()),
        Some(value) => Err(Refusal::value(name, value)),
    }
}

/// A property that, where it is there, has to be true or false.
pub(crate) fn truth(properties: &Map<String, Value>, name: &str) -> Result<(), Refusal> {
    match properties.get(name) {
        None | Some(Value::Null | Value::Bool(_)) => Ok(()),
        Some(_) => Err(Refusal::content(&format!("{name} must be a boolean"))),
    }
}

/// The properties of a body; none is an empty object.
pub(crate) fn properties(body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    match body.get("properties") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(properties)) => Ok(properties.clone()),
        Some(_) => Err(Refusal::content("properties must be an object")),
    }
}
