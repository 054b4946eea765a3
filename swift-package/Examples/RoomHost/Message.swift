import Foundation

/// A protobuf message that came, for the few fields that a host reads itself. Numbers of fixed size are in none of LiveKit's signals. Your
/// SDK has all of them already, generated; this is by hand, so that there is nothing to generate here.
struct Message {
    private var numbers: [UInt64: UInt64] = [:]
    private var texts: [UInt64: [Data]] = [:]

    init(_ bytes: Data) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let key = try Self.varint(&rest)
            switch key & 7 {
            case 0: numbers[key >> 3] = try Self.varint(&rest)
            case 2: texts[key >> 3, default: []].append(try Self.lengthDelimited(&rest))
            default: throw Malformed()
            }
        }
    }

    func number(_ field: UInt64) -> UInt64 {
        numbers[field] ?? 0
    }

    func text(_ field: UInt64) -> String {
        texts[field]?.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func texts(_ field: UInt64) -> [String] {
        texts[field, default: []].map { String(decoding: $0, as: UTF8.self) }
    }

    func message(_ field: UInt64) throws -> Message? {
        try texts[field]?.last.map(Message.init)
    }

    func messages(_ field: UInt64) throws -> [Message] {
        try texts[field, default: []].map(Message.init)
    }

    private static func varint(_ rest: inout Data) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }

    private static func lengthDelimited(_ rest: inout Data) throws -> Data {
        let length = try varint(&rest)
        guard length <= UInt64(rest.count) else { throw Malformed() }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    /// It is no signal.
    struct Malformed: Error {}
}

/// A field of a message that leaves.
func field(_ number: UInt64, _ value: UInt64) -> Data {
    varint(number << 3) + varint(value)
}

func field(_ number: UInt64, _ bytes: Data) -> Data {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
}

func field(_ number: UInt64, _ text: String) -> Data {
    field(number, Data(text.utf8))
}

private func varint(_ value: UInt64) -> Data {
    value < 0x80 ? Data([UInt8(value)]) : Data([UInt8(value & 0x7F) | 0x80]) + varint(value >> 7)
}
