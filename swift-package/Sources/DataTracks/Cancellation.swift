import Foundation

/// Runs a call of the library that takes a ``CancelToken`` so that cancelling the task cancels the call.
///
/// Swift does not carry cancellation to Rust by itself. Every `async` form in this folder goes through here.
func cancellable<Value: Sendable, Failure: CallError>(
    throwing _: Failure.Type,
    _ call: (CancelToken) async throws -> Value
) async throws(Failure) -> Value {
    let token = CancelToken()
    return try await typed(Failure.self) {
        try await withTaskCancellationHandler {
            try await call(token)
        } onCancel: {
            token.cancel()
        }
    }
}

/// Gives an `async` call of the generated code, which throws anything, the one type that it really throws.
func typed<Value, Failure: CallError>(
    _: Failure.Type,
    _ call: () async throws -> Value
) async throws(Failure) -> Value {
    do {
        return try await call()
    } catch let error as Failure {
        throw error
    } catch {
        throw Failure.ended
    }
}

/// An error of a call that waits.
protocol CallError: Error {
    /// What a fault inside the library is reported as: whatever was asked for will not come.
    static var ended: Self { get }
}

extension PublishError: CallError { static var ended: Self { .Closed } }
extension PushFrameError: CallError { static var ended: Self { .TrackUnpublished } }
extension SchemaError: CallError { static var ended: Self { .Closed } }
extension SubscribeError: CallError { static var ended: Self { .Closed } }
extension WaitError: CallError { static var ended: Self { .Closed } }
