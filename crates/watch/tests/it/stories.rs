//! What the engine makes of a day's events, one story a rule.

use insta::assert_snapshot;

use crate::story::play;

#[test]
fn three_attempts_make_it_hard() {
    assert_snapshot!(play(
        "0 check load attempts=3
         0 define
         10 result load ok
         20 result load critical
         30 result load warning
         40 result load critical
         50 result load critical
         60 result load warning
         70 result load ok
         80 result load warning
         90 result load ok"
    ));
}

#[test]
fn a_silent_host_is_stale_and_then_a_problem() {
    assert_snapshot!(play(
        "0 check host freshness=60
         0 check load freshness=90
         0 define
         5 heard
         6 result load ok
         50 heard
         until 1000
         1100 heard
         until 1150
         1160 result load ok"
    ));
}

#[test]
fn a_check_that_never_answers_while_its_host_does() {
    assert_snapshot!(play(
        "0 check host freshness=600
         0 check backup passive freshness=100
         0 define
         1 heard
         until 300
         310 result backup ok"
    ));
}

#[test]
fn a_service_of_a_down_host_is_hard_at_once_and_not_told() {
    assert_snapshot!(play(
        "0 check host
         0 check web attempts=3
         0 define
         1 result host ok
         2 result web ok
         10 result host critical
         20 result web critical
         30 result host ok
         40 result web critical
         50 result web ok"
    ));
}

#[test]
fn results_are_taken_once_and_in_order() {
    assert_snapshot!(play(
        "0 check load
         0 define
         10 result load ok seq=5
         11 result load ok seq=5 started=10
         20 result load critical seq=7
         21 result load ok seq=6 taken=15
         30 result load ok seq=6 started=29
         40 result disk ok seq=8
         50 result load critical started=10
         51 result load critical started=51"
    ));
}

#[test]
fn late_results_tell_what_was_and_stay_stale() {
    assert_snapshot!(play(
        "0 check host freshness=60
         0 check load freshness=60
         0 define
         1 heard
         2 result load ok seq=1
         until 500
         501 heard
         501 result load critical seq=2 taken=100
         501 result load ok seq=3 taken=160
         until 600
         601 result load ok seq=4"
    ));
}

#[test]
fn runs_without_drift_and_faster_while_soft() {
    assert_snapshot!(play(
        "0 check load attempts=3 interval=60 retry=10
         0 define here
         2 result load ok
         until 60
         63 result load critical
         until 70
         71 result load critical
         until 80
         95 result load critical
         until 130
         300 result load ok
         until 310"
    ));
}

#[test]
fn a_run_that_never_answers_is_started_again() {
    assert_snapshot!(play(
        "0 check load interval=300
         0 define here
         1 run load
         until 200"
    ));
}

#[test]
fn a_person_asks_for_a_run() {
    assert_snapshot!(play(
        "0 check load interval=300
         0 check host
         0 define
         10 run load
         20 run"
    ));
}

#[test]
fn downtime_of_the_host_keeps_quiet() {
    assert_snapshot!(play(
        "0 check host
         0 check web
         0 define
         1 result web ok
         5 downtime 1 - from=10 until=60
         until 15
         20 result web critical
         until 60
         70 result web critical
         80 downtime 2 web from=80 until=200
         80 downtime 3 - from=90 until=150
         until 100
         110 cancel 2
         until 160
         170 result web ok"
    ));
}

#[test]
fn a_silence_that_began_in_a_downtime_is_told_at_its_end() {
    assert_snapshot!(play(
        "0 check host freshness=30
         0 define
         1 heard
         2 downtime 1 - from=2 until=100
         until 200"
    ));
}

#[test]
fn acknowledgements() {
    assert_snapshot!(play(
        "0 check web
         0 define
         1 ack web
         10 result web warning
         11 ack web notify
         20 result web critical
         21 ack web sticky
         30 result web warning
         31 unack web
         32 ack web sticky
         40 result web ok"
    ));
}

#[test]
fn a_reload_keeps_state_by_name() {
    assert_snapshot!(play(
        "0 check load attempts=5
         0 check old
         0 define
         10 result load critical
         11 result load critical
         12 result old critical
         20 forget
         20 check load attempts=2
         20 check new freshness=30
         20 define
         20 define
         until 55
         60 gone
         61 result load ok"
    ));
}

#[test]
fn a_server_that_was_away_listens_before_it_judges() {
    assert_snapshot!(play(
        "0 check host freshness=60
         0 check load freshness=100
         0 define
         1 heard
         2 result load ok
         50 restart
         5000 resume
         5010 heard
         until 5090
         5095 result load ok
         until 5300"
    ));
}

#[test]
fn a_clock_set_back_does_not_make_it_deaf() {
    assert_snapshot!(play(
        "3600 check host freshness=60
         3600 check load interval=60
         3600 define here
         3601 heard
         3602 result load ok
         10 tick
         20 result load critical
         until 150"
    ));
}
