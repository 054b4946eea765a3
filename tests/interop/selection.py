"""What does not run on the embedded SFU, and why. All else of these tests runs on it as on livekit-server."""

from matrix import DOCUMENT
from servers import Embedded

API = "it has no server API"
UNLIKE = {
    "test_a_right_that_is_taken_away_ends_the_track_and_given_back_lets_it_be_published_again": API,
    "test_a_publisher_that_loses_the_right_ends_our_stream": API,
    "test_without_the_right_to_subscribe_no_handle_comes_and_with_it_the_same_track_can_be_read": API,
    "test_who_is_removed_is_told_and_the_others_see_its_tracks_end": API,
    "test_a_removed_publisher_ends_our_stream": API,
    "test_a_room_that_is_deleted_ends_for_all": API,
    "test_what_is_subscribed_when_the_right_is_taken_away_goes_on_and_nothing_else_can_be_read": "it is a server as of 1.13.11",
}
SHORT = "the short form has stock clients there, plain and with a passphrase, and no hundred tracks"
LONG = ["test_a_hundred_tracks_arrive_both_ways"]


def reason_against(item):
    """None for a test that is to run."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if parameters.get("start_server") is not Embedded:
        return None
    if reason := UNLIKE.get(item.originalname):
        return reason
    return None if DOCUMENT or is_short(item.originalname, parameters) else SHORT


def is_short(name, parameters):
    pair, secrets = parameters.get("pair"), parameters.get("secrets")
    if pair:
        return set(pair) != {"ours"} and secrets in ("plain", "same passphrase")
    return name not in LONG
