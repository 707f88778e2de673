package flinkdoctor;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.core.io.InputStatus;

/**
 * Running numbers at a rate, as a FLIP-27 source that is idle, not busy, between two records. Flink's own
 * DataGeneratorSource does the same but is not in the libraries of every version.
 */
final class PacedNumbers extends NumberSequenceSource {
    private final double perSecond;

    /** @param perSecond of each subtask */
    PacedNumbers(long count, double perSecond) {
        super(0, count - 1);
        this.perSecond = perSecond;
    }

    @Override
    public SourceReader<Long, NumberSequenceSplit> createReader(SourceReaderContext context) {
        return new Reader(super.createReader(context), perSecond);
    }

    private static final class Reader implements SourceReader<Long, NumberSequenceSplit> {
        private static final long BURST_MS = 10;  // shorter waits are not worth a timer

        private final SourceReader<Long, NumberSequenceSplit> numbers;
        private final double nanosPerRecord;
        private double nextNanos = System.nanoTime();

        Reader(SourceReader<Long, NumberSequenceSplit> numbers, double perSecond) {
            this.numbers = numbers;
            this.nanosPerRecord = 1e9 / perSecond;
        }

        private double aheadNanos() {
            return nextNanos - System.nanoTime();
        }

        @Override
        public InputStatus pollNext(ReaderOutput<Long> output) throws Exception {
            if (aheadNanos() > 0) {
                return InputStatus.NOTHING_AVAILABLE;
            }
            InputStatus status = numbers.pollNext(output);
            // Who was held up does not catch up: the rate is the most that this source gives.
            nextNanos = Math.max(nextNanos + nanosPerRecord,
                    System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(BURST_MS));
            return status;
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            double ahead = aheadNanos();
            if (ahead <= 0) {
                return numbers.isAvailable();
            }
            long millis = Math.max(TimeUnit.NANOSECONDS.toMillis((long) ahead), BURST_MS);
            return new CompletableFuture<Void>().completeOnTimeout(null, millis, TimeUnit.MILLISECONDS);
        }

        @Override
        public void start() {
            numbers.start();
        }

        @Override
        public List<NumberSequenceSplit> snapshotState(long checkpoint) {
            return numbers.snapshotState(checkpoint);
        }

        @Override
        public void addSplits(List<NumberSequenceSplit> splits) {
            numbers.addSplits(splits);
        }

        @Override
        public void notifyNoMoreSplits() {
            numbers.notifyNoMoreSplits();
        }

        @Override
        public void close() throws Exception {
            numbers.close();
        }
    }
}
