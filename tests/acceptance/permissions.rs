//! The lists of permissions on the page that people read.

const PAGE: &str = include_str!("../../docs/guides/permissions.md");

/// The actions of a cloud's lists, by words of their headings.
pub fn listed(cloud: &str, lists: &[&str]) -> Vec<String> {
    let heading = |part: &str| part.lines().next().unwrap_or_default().to_owned();
    let cloud = PAGE
        .split("\n## ")
        .find(|part| heading(part) == cloud)
        .expect("the cloud's part of the page");
    let mut actions = Vec::new();
    for list in lists {
        let rows = cloud
            .split("\n#### ")
            .find(|part| heading(part).contains(list))
            .unwrap_or_else(|| panic!("no list about {list}"));
        let found = rows
            .lines()
            .filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
        actions.extend(found.map(|(action, _)| action.to_owned()));
    }
    assert!(actions.len() > lists.len(), "{actions:?}");
    actions
}
