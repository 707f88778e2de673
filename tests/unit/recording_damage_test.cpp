// Recordings that were cut off, damaged or made up: read up to the damage, which is named, and
// never a crash or memory past the bounds.
#include <cstring>
#include <random>
#include <sstream>

#include "agent/recording/decoder.hpp"
#include "agent/recording/encoder.hpp"
#include "agent/recording/format.hpp"
#include "agent/recording/frame.hpp"
#include "agent/recording/recording_reader.hpp"
#include "tests/unit/recording_fixture.hpp"
#include "tests/unit/recording_samples.hpp"

namespace doctor {
namespace {

using test::RecordingTest;

/// Where each frame ends.
std::vector<std::size_t> frame_ends(const std::string& bytes) {
  std::vector<std::size_t> ends;
  std::size_t at = format::kHeadBytes;
  while (at + format::kFrameHeadBytes <= bytes.size()) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    at += format::kFrameHeadBytes + size;
    ends.push_back(at);
  }
  return ends;
}

struct Reading {
  bool opened{};
  std::size_t records{};
  std::vector<std::string> notes;
};

Reading read_all(const std::string& path) {
  Reading reading;
  Result<RecordingReader> reader = RecordingReader::open(path);
  if (!reader) return {false, 0, {reader.error().message}};
  reading.opened = true;
  std::vector<std::unique_ptr<EntityTable>> tables;
  std::vector<EntityTable*> attached;
  for (std::size_t i = 0; i < reader->opening().clusters.size(); ++i) {
    tables.push_back(std::make_unique<EntityTable>(Limits{}.entities_per_cluster_max));
    attached.push_back(tables.back().get());
  }
  reader->attach(attached);
  while (reader->next()) ++reading.records;
  reading.notes = reader->notes();
  return reading;
}

class Damage : public RecordingTest {
 protected:
  void SetUp() override {
    scenario::Case drawn = restarts();
    drawn.length = 5 * kMinuteMs;
    test::run_live(drawn, settings_);
    whole_ = test::contents(settings_.file);
    ends_ = frame_ends(whole_);
    ASSERT_GT(ends_.size(), 5U);
    all_ = read_all(settings_.file).records;
    ASSERT_GT(all_, 50U);
  }
  Reading with(const std::string& bytes) {
    test::write(settings_.file, bytes);
    return read_all(settings_.file);
  }

  std::string whole_;
  std::vector<std::size_t> ends_;
  std::size_t all_{};
};

TEST_F(Damage, AWholeRecordingHasNothingToNote) {
  const Reading reading = with(whole_);
  EXPECT_TRUE(reading.opened);
  EXPECT_TRUE(reading.notes.empty()) << reading.notes.front();
}

TEST_F(Damage, CutAtEveryFrameItReadsAllFramesBefore) {
  std::size_t before = 0;
  for (std::size_t i = 0; i + 1 < ends_.size(); ++i) {
    const Reading reading = with(whole_.substr(0, ends_[i]));
    ASSERT_TRUE(reading.opened);
    EXPECT_GE(reading.records, before);
    ASSERT_EQ(reading.notes.size(), 1U);
    EXPECT_NE(reading.notes[0].find("was not closed"), std::string::npos) << reading.notes[0];
    before = reading.records;
  }
}

TEST_F(Damage, CutWithinAFrameItSaysSo) {
  for (std::size_t i = 1; i < ends_.size(); ++i) {
    for (const std::size_t at : {ends_[i - 1] + 1, ends_[i - 1] + 8, ends_[i] - 1}) {
      const Reading reading = with(whole_.substr(0, at));
      ASSERT_TRUE(reading.opened);
      ASSERT_EQ(reading.notes.size(), 1U);
      EXPECT_NE(reading.notes[0].find("ends within"), std::string::npos) << reading.notes[0];
    }
  }
}

TEST_F(Damage, CutWithinTheFirstFrameItIsRefused) {
  for (std::size_t at = 0; at < ends_[0]; at += 7) {
    EXPECT_FALSE(with(whole_.substr(0, at)).opened) << at;
  }
}

TEST_F(Damage, AFlippedBitIsNoticedWhereverItIs) {
  for (std::size_t at = format::kHeadBytes; at < whole_.size(); at += 29) {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    const Reading reading = with(bytes);
    EXPECT_LT(reading.records, all_) << at;
    ASSERT_FALSE(reading.notes.empty()) << at;
  }
}

TEST_F(Damage, OtherFilesAndNewerOnesAreRefusedInPlainWords) {
  EXPECT_NE(with("").notes[0].find("is no recording"), std::string::npos);
  EXPECT_NE(with("PK\x03\x04").notes[0].find("is no recording"), std::string::npos);
  std::string newer = whole_;
  newer[format::kMagic.size()] = 2;
  const Reading reading = with(newer);
  EXPECT_FALSE(reading.opened);
  EXPECT_NE(reading.notes[0].find("newer flink-doctor: format 2"), std::string::npos)
      << reading.notes[0];
  EXPECT_FALSE(read_all(directory_.string()).opened);
  EXPECT_FALSE(read_all((directory_ / "missing").string()).opened);
}

TEST_F(Damage, ALengthThatLiesCostsNoMemory) {
  std::string bytes = whole_;
  const std::uint32_t huge = 0xFFFFFFFF;
  std::memcpy(bytes.data() + ends_[1], &huge, sizeof huge);
  EXPECT_NE(with(bytes).notes[0].find("claims to be too large"), std::string::npos);
  const auto most = static_cast<std::uint32_t>(format::kFrameBytesMax);
  std::memcpy(bytes.data() + ends_[1], &most, sizeof most);
  EXPECT_NE(with(bytes).notes[0].find("ends within"), std::string::npos);
}

TEST(RecordingFrame, ABombIsNotInflatedPastTheBound) {
  const std::string bomb = pack_frame({std::string(format::kFrameBytesMax + 1, '\0'), 0});
  ASSERT_LT(bomb.size(), 1U << 20U);
  std::istringstream file(bomb);
  const auto frame = read_frame(file);
  ASSERT_FALSE(frame);
  EXPECT_NE(frame.error().message.find("larger"), std::string::npos);
}

/// What a forger would write: right checksums over wrong bytes.
TEST(RecordingFuzz, WrongBytesWithinASoundFrameNeverCrash) {
  Encoder encoder;
  for (const Record& record : test::one_of_each()) encoder.put(record);
  const std::string sound = encoder.take();
  std::mt19937 random(1);
  std::size_t failed = 0;
  constexpr std::size_t kRounds = 2000;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::string bytes = sound;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (round % 3 == 0) bytes.resize(random() % bytes.size());
    Decoder decoder;
    decoder.define(0, 1, 1);
    decoder.feed(std::move(bytes), true);
    Record record;
    while (!decoder.at_end()) {
      if (decoder.get(record)) continue;
      ++failed;
      break;
    }
  }
  EXPECT_GT(failed, kRounds / 4) << "most of these are damaged beyond reading";
}

TEST(RecordingFuzz, ReferencesThatMultiplyAreBounded) {
  // One long text, and then as many references to it as fit: small to write, large to hold.
  Encoder encoder;
  const std::vector<std::string> many(1'800'000, std::string(format::kTextKeptBytesMax, 'x'));
  encoder.put(many);
  Decoder decoder;
  decoder.feed(encoder.take(), true);
  std::vector<std::string> back;
  const Status ok = decoder.get(back);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("more than any frame may hold"), std::string::npos);
  EXPECT_LE(back.size() * format::kTextKeptBytesMax, format::kDecodedBytesMax);
}

}  // namespace
}  // namespace doctor
