"""What the server API answers to callers that may not, or ask for what is not there. What it does is in `test_rights.py`."""

import json
import urllib.error
import urllib.request

import pytest
from livekit import api
from servers import KEY, SECRET

PARTICIPANT = api.RoomParticipantIdentity(room="empty", identity="nobody").SerializeToString()
ROOM = api.DeleteRoomRequest(room="empty").SerializeToString()
ADMIN, CREATE = {"room_admin": True, "room": "empty"}, {"room_create": True}


@pytest.mark.parametrize(
    "method, body, grants, status, said",
    [
        ("RemoveParticipant", PARTICIPANT, {"room_join": True, "room": "empty"}, 401, "unauthenticated"),
        ("RemoveParticipant", PARTICIPANT, {"room_admin": True, "room": "other"}, 401, "unauthenticated"),
        ("RemoveParticipant", PARTICIPANT, ADMIN, 404, "not_found"),
        ("UpdateParticipant", PARTICIPANT, ADMIN, 404, "not_found"),
        ("DeleteRoom", ROOM, ADMIN, 401, "unauthenticated"),
        ("DeleteRoom", ROOM, CREATE, 404, "not_found"),
        ("DeleteRoom", b"\xff", CREATE, 400, "malformed"),
        ("NoSuchMethod", b"", CREATE, 404, "bad_route"),
    ],
)
def test_who_may_not_or_asks_for_nothing_is_told(server, method, body, grants, status, said):
    token = api.AccessToken(KEY, SECRET).with_identity("caller").with_grants(api.VideoGrants(**grants)).to_jwt()
    assert ask(server, method, body, token) == (status, said)


def ask(server, method, body, token):
    """The status, and the code in the answer."""
    headers = {"Content-Type": "application/protobuf", "Authorization": f"Bearer {token}"}
    address = f"{server.url.replace('ws', 'http')}/twirp/livekit.RoomService/{method}"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(address, body, headers))
    return refused.value.code, json.loads(refused.value.read()).get("code")
