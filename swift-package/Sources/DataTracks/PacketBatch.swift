import Foundation

/// Copies packets that the library lends for the time of a callback. At `address` stand where they are, how many bytes they have together,
/// and how many each has but the last.
func packets(lentAt address: UInt64) -> [Data] {
    guard let form = UnsafePointer<UInt64>(bitPattern: UInt(address)),
        let first = UnsafeRawPointer(bitPattern: UInt(form[0]))
    else { return [] }
    let (length, stride) = (Int(form[1]), Int(form[2]))
    return Swift.stride(from: 0, to: length, by: stride).map { offset in
        Data(bytes: first + offset, count: min(stride, length - offset))
    }
}

/// Packets only come from the library.
func neverLent(_ packets: [Data]) -> UInt64 {
    preconditionFailure("\(packets.count) packets do not go there")
}
