//! What every cloud promises in `byob::cloud::Cloud`, tried on real servers.
//!
//! The promises know no server, and the servers' own side (`server`) knows no promise:
//! a new server is one adapter there and one line at the end of this file. What is
//! really there is told by independent clients.

#[allow(dead_code, unused_imports, reason = "shared with the other rings")]
#[path = "../harness/mod.rs"]
mod harness;

mod aws;
mod azure;
mod azure_accounts;
mod azure_front;
mod azure_own;
mod azure_refusals;
mod contents;
mod gcp;
mod gcp_credentials;
mod gcp_felt;
mod gcp_own;
mod gcp_refusals;
mod identity;
mod looks;
mod overreach;
mod s3;
mod server;
mod settings;
mod sign;
mod stop;

/// One test for each promise, on the server that the function of this name gives.
macro_rules! promises {
    ($home:ident::$server:ident: $($group:ident { $($promise:ident)+ })+) => {
        mod $server {
            $(mod $group {
                $(#[test]
                fn $promise() {
                    crate::$group::$promise(crate::$home::$server());
                })+
            })+
        }
    };
    ($($server:ident)+) => {
        $(promises! { s3::$server:
            looks {
                what_is_not_there_is_none
                what_is_there_is_told_with_tags_and_marker
                a_refusal_is_denied_and_never_none
                a_wrong_secret_is_unauthenticated
                a_server_that_is_not_there_is_transport
                observing_writes_nothing
                a_setting_that_nobody_asks_for_is_skipped
                a_bucket_is_made_with_its_tags
                a_bucket_that_is_there_is_not_made_again
                a_stop_never_leaves_a_bucket_without_its_tags
            }
            settings {
                each_setting_reads_back_as_it_was_written
                writing_twice_is_writing_once
                each_setting_can_be_taken_back
                what_the_server_does_not_know_is_refused_and_writes_nothing
                rules_of_others_about_old_data_survive
                a_change_to_a_bucket_that_is_gone_makes_none
                a_write_whose_answer_is_lost_is_done_once
            }
            identity {
                it_gets_its_rights_and_no_more
                a_path_limits_it_to_objects_below
                putting_it_again_restores_it
                a_strangers_identity_is_not_touched
                keys_come_and_go_one_by_one
                what_is_observed_is_what_is_there
                a_key_that_is_tried_is_told_apart
                removing_it_removes_all_of_it
            }
            contents {
                everything_is_counted
                counting_stops_at_the_limit
                emptying_takes_everything
                emptying_takes_more_than_one_batch
                emptying_goes_on_where_it_was_stopped
                what_is_locked_is_refused_before_anything_goes
                an_expired_lock_holds_nothing
                a_bucket_that_holds_anything_is_not_deleted
                deleting_twice_is_deleting_once
            }
            sign {
                each_request_works_with_wandbs_key
                each_request_works_with_the_callers_key
                a_key_without_rights_is_refused_with_an_answer
            }
            overreach {
                wandbs_key_can_do_no_more
                a_key_that_can_do_more_is_found_and_changes_nothing
            }
            stop {
                a_stopped_operation_sends_nothing
                a_read_that_hangs_ends_at_once
            }
        })+
    };
}

promises! { minio minio_without_kms seaweedfs amazon }

// What is left out says something about paths in rights, markers over deleted objects, keys
// that are two texts, or encryption that is a setting of its own; `gcp_own` has the
// counterparts.
promises! { gcp::google:
    looks {
        what_is_not_there_is_none
        what_is_there_is_told_with_tags_and_marker
        a_refusal_is_denied_and_never_none
        a_wrong_secret_is_unauthenticated
        a_server_that_is_not_there_is_transport
        observing_writes_nothing
        a_bucket_is_made_with_its_tags
        a_bucket_that_is_there_is_not_made_again
        a_stop_never_leaves_a_bucket_without_its_tags
    }
    settings {
        each_setting_reads_back_as_it_was_written
        writing_twice_is_writing_once
        each_setting_can_be_taken_back
        what_the_server_does_not_know_is_refused_and_writes_nothing
        rules_of_others_about_old_data_survive
        a_change_to_a_bucket_that_is_gone_makes_none
        a_write_whose_answer_is_lost_is_done_once
    }
    identity {
        it_gets_its_rights_and_no_more
        a_strangers_identity_is_not_touched
        keys_come_and_go_one_by_one
        what_is_observed_is_what_is_there
        a_key_that_is_tried_is_told_apart
        removing_it_removes_all_of_it
    }
    contents {
        everything_is_counted
        counting_stops_at_the_limit
        emptying_takes_everything
        emptying_takes_more_than_one_batch
        emptying_goes_on_where_it_was_stopped
        what_is_locked_is_refused_before_anything_goes
        an_expired_lock_holds_nothing
        a_bucket_that_holds_anything_is_not_deleted
        deleting_twice_is_deleting_once
    }
    sign {
        each_request_works_with_wandbs_key
        each_request_works_with_the_callers_key
    }
    overreach {
        wandbs_key_can_do_no_more
    }
    stop {
        a_stopped_operation_sends_nothing
        a_read_that_hangs_ends_at_once
    }
}

// What is left out says something about encryption that is a setting, about locks on single
// objects (Azure's guard containers, in `azure_refusals`), or about identities with keys of
// their own: keys are the account's there, to all of it, and identities have none; `azure_own`
// has the counterparts.
promises! { azure::microsoft:
    looks {
        what_is_not_there_is_none
        what_is_there_is_told_with_tags_and_marker
        a_refusal_is_denied_and_never_none
        a_wrong_secret_is_unauthenticated
        a_server_that_is_not_there_is_transport
        observing_writes_nothing
        a_bucket_is_made_with_its_tags
        a_bucket_that_is_there_is_not_made_again
        a_stop_never_leaves_a_bucket_without_its_tags
    }
    settings {
        each_setting_reads_back_as_it_was_written
        writing_twice_is_writing_once
        each_setting_can_be_taken_back
        what_the_server_does_not_know_is_refused_and_writes_nothing
        rules_of_others_about_old_data_survive
        a_change_to_a_bucket_that_is_gone_makes_none
        a_write_whose_answer_is_lost_is_done_once
    }
    contents {
        everything_is_counted
        counting_stops_at_the_limit
        emptying_takes_everything
        emptying_takes_more_than_one_batch
        emptying_goes_on_where_it_was_stopped
        a_bucket_that_holds_anything_is_not_deleted
        deleting_twice_is_deleting_once
    }
    sign {
        each_request_works_with_wandbs_key
        each_request_works_with_the_callers_key
    }
    stop {
        a_stopped_operation_sends_nothing
        a_read_that_hangs_ends_at_once
    }
}
