"""What does not run, and why. All else of these tests runs on the embedded SFU as on livekit-server."""

from matrix import DOCUMENT, HOSTS, OTHERS
from servers import Embedded

UNLIKE = {
    "test_a_subscribe_left_running_holds_after_ten_minutes_what_it_held_after_one": "not on the embedded SFU: what is measured is the reader",
    "test_what_is_subscribed_when_the_right_is_taken_away_goes_on_and_nothing_else_can_be_read": "not on the embedded SFU: it ends the subscription, as servers from 1.13.11 on do",
}
OPEN_IN_SHORT = ["plain", "same passphrase"]
SHORT = "not on the embedded SFU: the short form has stock clients there, plain and with a passphrase, and not what takes long"
HOST = "the short form has the hosts on our packages with the Python SDK and a passphrase, that in Kotlin plain as well, in rooms of livekit-server"
NO_BROWSER = "there is no browser"
MINUTES = {
    "test_a_subscribe_left_running_holds_after_ten_minutes_what_it_held_after_one": "it takes ten minutes: in the full form",
    "test_where_udp_alone_is_cut_the_media_path_is_made_anew_and_the_streams_go_on": "it waits for peer connections to be given up: in the full form",
}
LONG = [
    "test_a_hundred_tracks_arrive_both_ways",
    "test_a_server_that_is_frozen_for_five_seconds_costs_frames_and_a_quick_reconnect",
    "test_a_host_in_kotlin_comes_back_once_from_a_server_that_goes_down",
    "test_a_server_that_stays_frozen_is_noticed_named_and_met_afresh_once",
    "test_after_an_outage_of_the_network_frames_flow_again_in_the_same_streams",
    "test_who_joins_while_udp_is_cut_joins_anew_and_comes_through_when_it_is_mended",
    "test_without_the_right_to_subscribe_no_handle_comes_and_with_it_the_same_track_can_be_read",
]


def reason_against(item):
    """None for a test that is to run."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if "JS" not in OTHERS and (parameters.get("other") == "javascript" or "visit" in item.fixturenames):
        return NO_BROWSER
    if set(HOSTS) & set(parameters.get("pair", ())) and not (DOCUMENT or is_short_of_hosts(parameters)):
        return HOST
    if not DOCUMENT and (reason := MINUTES.get(item.originalname)):
        return reason
    if parameters.get("start_server") is not Embedded:
        return None
    if reason := UNLIKE.get(item.originalname):
        return reason
    return None if DOCUMENT or is_short(item.originalname, parameters) else SHORT


def is_short_of_hosts(parameters):
    on_livekit, pair = parameters["start_server"] is not Embedded, parameters["pair"]
    wanted = OPEN_IN_SHORT if "Kotlin" in pair else ["same passphrase"]
    return on_livekit and "Python" in pair and parameters.get("secrets") in wanted


def is_short(name, parameters):
    pair, secrets = parameters.get("pair"), parameters.get("secrets")
    if pair:
        return set(pair) != {"ours"} and secrets in OPEN_IN_SHORT
    return name not in LONG
