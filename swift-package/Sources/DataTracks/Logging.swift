import Foundation

#if canImport(os)
import os
#endif

/// Where the library's log records go. Process-wide; none holds payloads, keys or tokens, and their rate is limited.
public enum DataTrackLog {
    /// Hands every record of at least this level to `handler`, on the thread that causes it. Replaces an earlier one.
    public static func start(level: LogLevel = .info, _ handler: @escaping @Sendable (LogRecord) -> Void) {
        setLogSink(sink: Sink(handler: handler), level: level)
    }

    /// Lets go of the handler.
    public static func stop() {
        setLogSink(sink: nil, level: .error)
    }

    #if canImport(os)
    /// Hands every record of at least this level to the system's log.
    @available(macOS 11, iOS 14, tvOS 14, watchOS 7, *)
    public static func start(level: LogLevel = .info, logger: Logger) {
        start(level: level) { record in
            logger.log(level: record.level.system, "\(record.target, privacy: .public): \(record.text, privacy: .public)")
        }
    }
    #endif
}

private final class Sink: LogSink {
    private let handler: @Sendable (LogRecord) -> Void

    init(handler: @escaping @Sendable (LogRecord) -> Void) {
        self.handler = handler
    }

    func log(record: LogRecord) {
        handler(record)
    }
}

#if canImport(os)
extension LogLevel {
    fileprivate var system: OSLogType {
        switch self {
        case .error: .error
        case .warn: .default
        case .info: .info
        case .debug, .trace: .debug
        }
    }
}
#endif
