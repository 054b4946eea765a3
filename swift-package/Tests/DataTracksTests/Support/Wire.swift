import Foundation

// Signal messages of an SFU, by hand (LiveKit protocol, livekit_rtc.proto).

/// Which field of the oneof a SignalResponse or SignalRequest holds.
func fieldNumber(_ message: Data) -> UInt64 {
    var key: UInt64 = 0
    for (index, byte) in message.prefix(5).enumerated() {
        key |= UInt64(byte & 0x7F) << (7 * UInt64(index))
        if byte < 0x80 { break }
    }
    return key >> 3
}

func lengthDelimited(_ number: UInt64, _ bytes: Data) -> Data {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
}

func varint(_ value: UInt64) -> Data {
    value < 0x80 ? Data([UInt8(value)]) : Data([UInt8(value & 0x7F) | 0x80]) + varint(value >> 7)
}

func publishResponse(handle: UInt64, sid: String, name: String, encrypted: Bool) -> Data {
    let encryption = encrypted ? varint(4 << 3) + varint(1) : Data()
    let ids = varint(1 << 3) + varint(handle) + lengthDelimited(2, Data(sid))
    return lengthDelimited(27, lengthDelimited(1, ids + lengthDelimited(3, Data(name)) + encryption))
}

func subscriptionPermission(_ sid: String, allowed: Bool) -> Data {
    lengthDelimited(15, lengthDelimited(2, Data(sid)) + (allowed ? varint(3 << 3) + varint(1) : Data()))
}

func requestResponse(_ request: UInt64, reason: UInt64, words: String) -> Data {
    let answer = varint(1 << 3) + varint(request) + varint(2 << 3) + varint(reason)
    return lengthDelimited(22, answer + lengthDelimited(3, Data(words)))
}

/// The request id of a StoreDataBlobRequest inside a SignalRequest: its first field.
func requestId(_ request: Data) -> UInt64 {
    var number: UInt64 = 0
    // Two bytes of tag, one of length where it is short, one of tag.
    for (index, byte) in request.dropFirst(4).prefix(5).enumerated() {
        number |= UInt64(byte & 0x7F) << (7 * UInt64(index))
        if byte < 0x80 { break }
    }
    return number
}
