package flinkdoctor;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/**
 * A number that takes its time to be written, or refuses to be. The heap backend writes values only in a checkpoint's
 * async part.
 */
public final class SlowValue implements CopyableValue<SlowValue> {
    static final int REFUSED = -1;
    private static final AtomicInteger WRITES = new AtomicInteger();  // of the job, which has one such value

    private long number;
    private int writeMs;
    private int every = 1;  // so many are written until one is slow or refused

    public SlowValue() {}

    SlowValue(long number, int writeMs, int every) {
        this.number = number;
        this.writeMs = writeMs;
        this.every = every;
    }

    @Override
    public void write(DataOutputView out) throws IOException {
        if (WRITES.incrementAndGet() % every == 0) {
            beSlow();
        }
        out.writeLong(number);
        out.writeInt(writeMs);
        out.writeInt(every);
    }

    private void beSlow() throws IOException {
        if (writeMs == REFUSED) {
            throw new IOException("the store takes no more");
        }
        try {
            Thread.sleep(writeMs);
        } catch (InterruptedException cancelled) {
            throw new IOException("snapshot cancelled", cancelled);
        }
    }

    @Override
    public void read(DataInputView in) throws IOException {
        number = in.readLong();
        writeMs = in.readInt();
        every = in.readInt();
    }

    @Override
    public int getBinaryLength() {
        return Long.BYTES + 2 * Integer.BYTES;
    }

    @Override
    public void copyTo(SlowValue target) {
        target.number = number;
        target.writeMs = writeMs;
        target.every = every;
    }

    @Override
    public SlowValue copy() {
        return new SlowValue(number, writeMs, every);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.write(source, getBinaryLength());
    }
}
