package flinkdoctor;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/** A number that takes its time to be written. The heap backend writes values only in a checkpoint's async part. */
public final class SlowValue implements CopyableValue<SlowValue> {
    private long number;
    private int writeMs;

    public SlowValue() {}

    SlowValue(long number, int writeMs) {
        this.number = number;
        this.writeMs = writeMs;
    }

    @Override
    public void write(DataOutputView out) throws IOException {
        try {
            Thread.sleep(writeMs);
        } catch (InterruptedException cancelled) {
            throw new IOException("snapshot cancelled", cancelled);
        }
        out.writeLong(number);
        out.writeInt(writeMs);
    }

    @Override
    public void read(DataInputView in) throws IOException {
        number = in.readLong();
        writeMs = in.readInt();
    }

    @Override
    public int getBinaryLength() {
        return Long.BYTES + Integer.BYTES;
    }

    @Override
    public void copyTo(SlowValue target) {
        target.number = number;
        target.writeMs = writeMs;
    }

    @Override
    public SlowValue copy() {
        return new SlowValue(number, writeMs);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.write(source, getBinaryLength());
    }
}
