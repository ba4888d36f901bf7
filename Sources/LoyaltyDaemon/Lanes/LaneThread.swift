internal import Dispatch
internal import Foundation
internal import Synchronization

/// A thread of its own for the lanes: a scan waits neither until a thread of the pool is free nor until one is made, which the
/// pool does anew after some idle seconds. Ends with the last reference to it.
final class LaneThread: SerialExecutor, TaskExecutor {
    private final class Jobs: Sendable {
        private let waiting = Mutex<[UnownedJob]>([])
        private let count = DispatchSemaphore(value: 0)

        func add(_ job: UnownedJob) {
            waiting.withLock { $0.append(job) }
            count.signal()
        }

        func end() { count.signal() }

        /// nil at the end.
        func next() -> UnownedJob? {
            count.wait()
            return waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
    }

    private let jobs = Jobs()

    init() {
        let jobs = jobs
        let thread = Thread { [weak self] in
            Thread.current.name = "lanes"
            while let job = jobs.next() {
                // Whoever waits for a job holds the lanes, and they hold this.
                guard let self else { return }
                job.runSynchronously(
                    isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
            }
        }
        thread.start()
    }

    deinit { jobs.end() }

    func enqueue(_ job: consuming ExecutorJob) { jobs.add(UnownedJob(job)) }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
