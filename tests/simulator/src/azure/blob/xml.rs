//! As much XML as the Blob service writes and reads: elements without attributes that
//! matter.

/// A text as it stands in XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn plain(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, sign)| {
        text.replace(escape, sign)
    })
}

/// An element.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// Elements of these pairs, in their order.
pub(crate) fn elements(pairs: &[(&str, String)]) -> String {
    pairs
        .iter()
        .map(|(name, text)| element(name, text))
        .collect()
}

/// A whole document, with the mark that the real service begins with left out.
pub(crate) fn document(body: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{body}")
}

/// The insides of every element of this name, still as XML.
pub(crate) fn all<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, empty, close) = (
        format!("<{name}>"),
        format!("<{name} />"),
        format!("</{name}>"),
    );
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find(&open) {
        let inside = &rest[at + open.len()..];
        let Some(end) = inside.find(&close) else {
            break;
        };
        found.push(&inside[..end]);
        rest = &inside[end + close.len()..];
    }
    if found.is_empty() && xml.contains(&empty) {
        found.push("");
    }
    found
}

/// The text of the first element of this name.
pub(crate) fn text(xml: &str, name: &str) -> Option<String> {
    all(xml, name).first().map(|text| plain(text))
}

/// Every leaf in the order of the document: its name and its text.
pub(crate) fn leaves(xml: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        let name = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        let close = format!("</{name}>");
        if name.starts_with(['/', '?']) {
            continue;
        }
        if let Some(next) = rest.find('<')
            && rest[next..].starts_with(&close)
        {
            found.push((name.to_owned(), plain(&rest[..next])));
            rest = &rest[next + close.len()..];
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn documents_are_read_in_their_order() {
        let xml = "<?xml version='1.0'?><BlockList><Latest>YQ==</Latest><Committed>a&amp;b</Committed></BlockList>";
        let leaves = super::leaves(xml);
        assert_eq!(leaves[0], ("Latest".to_owned(), "YQ==".to_owned()));
        assert_eq!(leaves[1], ("Committed".to_owned(), "a&b".to_owned()));
        assert_eq!(super::all("<a><b>1</b></a><a></a>", "a"), ["<b>1</b>", ""]);
    }
}
