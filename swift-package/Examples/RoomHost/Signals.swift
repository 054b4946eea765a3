import Foundation

// The signals of connection and session, as far as a host without media needs them. Those of data tracks are the managers' own.

/// A participant has two connections: it offers the one and sends on it, the SFU offers the other and sends on that.
enum Role: UInt64 {
    case publisher, subscriber
}

/// What an end of ICE can be reached by.
struct Candidate: Equatable {
    var sdp: String
    var line: Int32
    var mid: String?
}

/// Helps to get through to the SFU.
struct IceServer {
    var addresses: [String]
    var name: String
    var credential: String
}

/// What a host asks of the SFU.
enum Request {
    static func offer(_ sdp: String, id: UInt64) -> Data {
        field(1, field(1, "offer") + field(2, sdp) + field(3, id))
    }

    static func answer(_ sdp: String, id: UInt64) -> Data {
        field(2, field(1, "answer") + field(2, sdp) + field(3, id))
    }

    static func trickle(_ candidate: Candidate, of role: Role) -> Data {
        var json: [String: Any] = ["candidate": candidate.sdp, "sdpMLineIndex": Int(candidate.line)]
        json["sdpMid"] = candidate.mid
        let text = try? JSONSerialization.data(withJSONObject: json)
        return field(3, field(1, text ?? Data()) + field(2, role.rawValue))
    }

    /// First thing after a quick reconnect. Each track is a PublishDataTrackResponse, as the manager gives it.
    static func syncState(_ tracks: [Data]) -> Data {
        field(12, tracks.map { field(8, $0) }.reduce(Data(), +))
    }

    static func ping(at now: Date) -> Data {
        field(16, field(1, UInt64(now.timeIntervalSince1970 * 1000)))
    }

    /// Whoever goes without it is waited for. The reason: the client wants it so.
    static let leave = field(8, field(2, 1))
}

/// What the SFU says to a host, of what it has to act on itself.
enum Response {
    case joined(sid: String, servers: [IceServer])
    case resumed
    case offered(sdp: String, id: UInt64)
    case answered(sdp: String, id: UInt64)
    case trickled(Candidate, of: Role)
    case left(Ending)
    case newToken(String)
    /// To another room, as another participant.
    case moved(sid: String, token: String)
    case other

    init(_ bytes: Data) throws {
        let response = try Message(bytes)
        if let join = try response.message(1) {
            self = .joined(sid: try join.message(2)?.text(1) ?? "", servers: try join.messages(5).map(IceServer.init))
        } else if let answer = try response.message(2) {
            self = .answered(sdp: answer.text(2), id: answer.number(3))
        } else if let offer = try response.message(3) {
            self = .offered(sdp: offer.text(2), id: offer.number(3))
        } else if let trickle = try response.message(4) {
            self = .trickled(try Candidate(json: trickle.text(1)), of: Role(rawValue: trickle.number(2)) ?? .publisher)
        } else if let leave = try response.message(8) {
            self = .left(Ending(action: leave.number(3)))
        } else if try response.message(19) != nil {
            self = .resumed
        } else if let moved = try response.message(24) {
            self = .moved(sid: try moved.message(3)?.text(1) ?? "", token: moved.text(2))
        } else {
            let token = response.text(16)
            self = token.isEmpty ? .other : .newToken(token)
        }
    }
}

/// How talk over one WebSocket ends.
enum Ending {
    /// Something broke. Whoever comes back soon is still the same participant: a quick reconnect.
    case broken
    /// The SFU wants us to join anew: a full reconnect.
    case forgotten
    case forGood

    fileprivate init(action: UInt64) {
        switch action {
        case 1: self = .broken
        case 2: self = .forgotten
        default: self = .forGood
        }
    }
}

extension IceServer {
    fileprivate init(_ message: Message) {
        self.init(addresses: message.texts(1), name: message.text(2), credential: message.text(3))
    }
}

extension Candidate {
    fileprivate init(json: String) throws {
        let json = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        guard let json, let sdp = json["candidate"] as? String else { throw Message.Malformed() }
        self.init(sdp: sdp, line: Int32(truncatingIfNeeded: json["sdpMLineIndex"] as? Int ?? 0), mid: json["sdpMid"] as? String)
    }
}
