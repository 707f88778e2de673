// What is recorded comes back to the last bit, whatever member of whatever struct it stands in, and
// also when the program that reads has other members than the one that wrote.
#include <gtest/gtest.h>

#include <limits>

#include "agent/recording/decoder.hpp"
#include "agent/recording/encoder.hpp"
#include "tests/unit/recording_samples.hpp"

namespace doctor {

// A struct of one program, and the same of a later one that has moved, added and kept members.
enum class OldColour { red, green };
enum class NewColour { blue, green, red };
struct OldThing {
  int count{};
  std::string name;
  OldColour colour{};
};
struct NewThing {
  std::string name;
  double added{7};
  NewColour colour{};
  int count{};
};
// What a program before `line_faults`, `series_unseen` and `turns_skipped` told of a source.
struct OldSource {
  SourceId id{};
  std::string address;
  std::map<ErrorCode, std::uint64_t> errors;
  std::uint64_t lines_malformed{};
  std::uint64_t series_dropped{};
  std::string role;
};
template <>
struct Fields<OldSource> {
  static constexpr std::string_view kType = "SourceHealth";
  static constexpr std::string_view kNames =
      "id, address, errors, lines_malformed, series_dropped, role";
  template <class Self>
  static auto of(Self& self) {
    auto& [id, address, errors, lines_malformed, series_dropped, role] = self;
    return std::tie(id, address, errors, lines_malformed, series_dropped, role);
  }
};

template <>
struct Fields<OldThing> {
  static constexpr std::string_view kType = "Thing";
  static constexpr std::string_view kNames = "count, name, colour";
  template <class Self>
  static auto of(Self& self) {
    auto& [count, name, colour] = self;
    return std::tie(count, name, colour);
  }
};
template <>
struct Fields<NewThing> {
  static constexpr std::string_view kType = "Thing";
  static constexpr std::string_view kNames = "name, added, colour, count";
  template <class Self>
  static auto of(Self& self) {
    auto& [name, added, colour, count] = self;
    return std::tie(name, added, colour, count);
  }
};

namespace {

/// The samples speak of entities that no opening has defined: here each is its own.
void define_all(Decoder& decoder) {
  for (ClusterIndex cluster = 0; cluster < 300; ++cluster) {
    for (EntityId id = 0; id < 1000; ++id) decoder.define(cluster, id, id);
  }
}

TEST(RecordingCodec, EveryMemberOfEveryRecordSurvives) {
  const std::vector<Record> records = test::one_of_each();
  Encoder encoder;
  for (int round = 0; round < 3; ++round) {
    for (const Record& record : records) encoder.put(record);
  }
  Decoder decoder;
  define_all(decoder);
  decoder.feed(encoder.take(), true);
  for (int round = 0; round < 3; ++round) {
    for (const Record& record : records) {
      Record back;
      const Status ok = decoder.get(back);
      ASSERT_TRUE(ok) << ok.error().message;
      EXPECT_TRUE(test::same(record, back)) << "record of kind " << record.index();
    }
  }
  EXPECT_TRUE(decoder.at_end());
}

TEST(RecordingCodec, TheSamplesDifferFromWhatIsThereByDefault) {
  for (const Record& record : test::one_of_each()) {
    const bool is_default = std::visit(
        [](const auto& one) { return test::same(one, std::remove_cvref_t<decltype(one)>{}); },
        record);
    EXPECT_FALSE(is_default) << record.index();
  }
}

TEST(RecordingCodec, ValuesKeepTheirBits) {
  const std::vector<double> values{kAbsent,
                                   std::numeric_limits<double>::quiet_NaN(),
                                   -0.0,
                                   0.0,
                                   std::numeric_limits<double>::denorm_min(),
                                   -std::numeric_limits<double>::infinity(),
                                   0.1,
                                   -9.223372036854776E18};
  auto layout = std::make_shared<Layout>();
  for (EntityId id = 0; id < values.size(); ++id) {
    layout->keys.push_back({Metric::jvm_cpu_time, id});
  }
  Encoder encoder;
  StreamItem item{0, 1, Batch{4, 1, layout, values}};
  encoder.put(item);
  std::get<Batch>(item.what).values[3] = kAbsent;
  encoder.put(item);
  Decoder decoder;
  define_all(decoder);
  decoder.feed(encoder.take(), true);
  StreamItem first;
  StreamItem second;
  ASSERT_TRUE(decoder.get(first));
  ASSERT_TRUE(decoder.get(second));
  EXPECT_TRUE(test::same(std::get<Batch>(first.what).values, values));
  EXPECT_TRUE(test::same(second, item));
  EXPECT_EQ(std::get<Batch>(first.what).layout, std::get<Batch>(second.what).layout)
      << "one layout, as it was live";
}

TEST(RecordingCodec, ReadsSourcesOfBeforeTheirLossesWereKept) {
  Encoder encoder;
  encoder.put(OldSource{7, "tm:9249", {{ErrorCode::refused, 3}}, 5, 12, "taskmanager"});
  Decoder decoder;
  decoder.feed(encoder.take(), true);
  SourceHealth source;
  const Status ok = decoder.get(source);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(source.id, 7U);
  EXPECT_EQ(source.errors.at(ErrorCode::refused), 3U);
  EXPECT_EQ(source.lines_malformed, 5U);
  EXPECT_EQ(source.series_dropped, 12U);
  EXPECT_EQ(source.role, "taskmanager");
  EXPECT_TRUE(source.line_faults.empty());
  EXPECT_EQ(source.series_unseen + source.turns_skipped, 0U);
}

TEST(RecordingCodec, NumbersAtTheirEnds) {
  Encoder encoder;
  encoder.put(std::numeric_limits<std::int64_t>::min());
  encoder.put(std::numeric_limits<std::int64_t>::max());
  encoder.put(std::numeric_limits<std::uint64_t>::max());
  encoder.put(-1);
  Decoder decoder;
  decoder.feed(encoder.take(), true);
  std::int64_t low{};
  std::int64_t high{};
  std::uint64_t most{};
  int minus{};
  ASSERT_TRUE(decoder.get(low));
  ASSERT_TRUE(decoder.get(high));
  ASSERT_TRUE(decoder.get(most));
  ASSERT_TRUE(decoder.get(minus));
  EXPECT_EQ(low, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(high, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(most, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(minus, -1);
}

TEST(RecordingCodec, AnOlderProgramsMembersAreFoundByName) {
  Encoder encoder;
  encoder.put(OldThing{5, "five", OldColour::red});
  encoder.put(OldThing{6, "six", OldColour::green});
  Decoder decoder;
  decoder.feed(encoder.take(), true);
  NewThing five;
  NewThing six;
  ASSERT_TRUE(decoder.get(five));
  ASSERT_TRUE(decoder.get(six));
  EXPECT_EQ(five.count, 5);
  EXPECT_EQ(five.name, "five");
  EXPECT_EQ(five.colour, NewColour::red);
  EXPECT_EQ(five.added, 7) << "as it is by default";
  EXPECT_EQ(six.name, "six");
  EXPECT_EQ(six.colour, NewColour::green);
}

TEST(RecordingCodec, WhatThisProgramDoesNotKnowIsAnErrorThatSaysSo) {
  Encoder encoder;
  encoder.put(NewThing{"seven", 1, NewColour::blue, 7});
  Decoder decoder;
  decoder.feed(encoder.take(), true);
  OldThing old;
  const Status wrong = decoder.get(old);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("Thing"), std::string::npos) << wrong.error().message;
}

TEST(RecordingCodec, ASeriesOfAnUnknownEntityIsLeftOutWithItsValues) {
  auto layout = std::make_shared<Layout>();
  layout->keys = {{Metric::jvm_cpu_time, 1}, {Metric::jvm_cpu_time, 2}};
  Encoder encoder;
  encoder.put(StreamItem{0, 1, Batch{4, 1, layout, {1.5, 2.5}}});
  Decoder decoder;
  decoder.define(0, 2, 20);
  decoder.feed(encoder.take(), true);
  StreamItem item;
  ASSERT_TRUE(decoder.get(item));
  const auto& batch = std::get<Batch>(item.what);
  ASSERT_EQ(batch.layout->keys.size(), 1U);
  EXPECT_EQ(batch.layout->keys[0].entity, 20U);
  EXPECT_EQ(batch.values, std::vector<double>{2.5});
  EXPECT_EQ(decoder.left_out(), 1U);
}

TEST(RecordingCodec, EnumeratorsAreCountedByTheCompiler) {
  EXPECT_EQ(enumerator_names<PodRole>(), "unknown, job_manager, task_manager");
  EXPECT_EQ(enumerator_name<EventKind::pod_deleted>(), "pod_deleted");
  EXPECT_TRUE(enumerator_name<static_cast<PodRole>(3)>().empty());
}

}  // namespace
}  // namespace doctor
