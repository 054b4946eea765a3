import Foundation

extension DataTrackFrame {
    /// A frame that says when it was made, so that its receivers can tell how long it took.
    public static func now(_ payload: Data) -> DataTrackFrame {
        let milliseconds = max(0, Date().timeIntervalSince1970 * 1000)
        return DataTrackFrame(payload: payload, userTimestamp: UInt64(milliseconds))
    }

    /// Seconds since the frame was made, if its timestamp is one of ``now(_:)`` or of another SDK's convention: milliseconds since 1970. As
    /// good as the two clocks agree; `nil` without a timestamp.
    public var latency: TimeInterval? {
        userTimestamp.map { Date().timeIntervalSince1970 - Double($0) / 1000 }
    }
}
