//! What IAM's simulator says about the caller, which the stand-in for AWS does not have.

use simulator::amazon;

use super::{CALLER, QUIET, count, does, stage};

#[test]
fn the_simulator_says_what_the_caller_may_not_do() {
    let (stage, proxy) = stage("ans-simulated");
    stage.write_bucket(QUIET, "");
    let (bucket, objects) = ("arn:aws:s3:::b", "arn:aws:s3:::b/*");
    let verdicts = [
        // Allowed on what it is about, and denied on the rest.
        ("s3:CreateBucket", bucket, true),
        ("s3:CreateBucket", objects, false),
        ("s3:CreateBucket", "*", false),
        ("s3:PutBucketPolicy", bucket, false),
        ("s3:PutBucketPolicy", objects, false),
        ("s3:PutBucketPolicy", "*", false),
        ("kms:CreateKey", bucket, false),
        ("kms:CreateKey", "*", false),
    ];
    let asked = does("SimulatePrincipalPolicy");
    proxy.reply(usize::MAX, amazon::simulated(&verdicts), asked);
    let text = stage.plan().text;
    assert!(text.contains("The caller may lack rights"), "{text}");
    assert!(
        text.contains("denied: s3:PutBucketPolicy, kms:CreateKey."),
        "{text}"
    );
    assert_eq!(count(&proxy, does("SimulatePrincipalPolicy")), 1);
    // Only a warning: the simulator does not see everything.
    stage.apply();
    stage.destroy();
    // Whoever is to make a user needs more, and whoever tries nothing less.
    let user = "arn:aws:iam::123456789012:user/wandb-byob-00000000-b";
    let verdicts = [
        ("s3:PutObject", objects, false),
        ("iam:CreateUser", bucket, false),
        ("iam:CreateUser", user, false),
        ("iam:CreateAccessKey", bucket, false),
        ("iam:CreateAccessKey", user, true),
    ];
    proxy.clear();
    let asked = does("SimulatePrincipalPolicy");
    proxy.reply(usize::MAX, amazon::simulated(&verdicts), asked);
    stage.write_bucket(QUIET, "create_access_key = true");
    let text = stage.plan().text;
    assert!(text.contains("denied: iam:CreateUser."), "{text}");
    // Everything allowed, or not allowed to ask, is no word.
    stage.write_bucket(QUIET, "");
    let allowed = [("s3:CreateBucket", bucket, true)];
    for reply in [
        amazon::simulated(&allowed),
        amazon::iam_denied(CALLER, "iam:SimulatePrincipalPolicy", "*"),
    ] {
        proxy.clear();
        proxy.reply(usize::MAX, reply, does("SimulatePrincipalPolicy"));
        let text = stage.plan().text;
        assert!(!text.contains("may lack rights"), "{text}");
    }
}
