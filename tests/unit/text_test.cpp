#include "model/text.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "model/finding.hpp"
#include "model/time.hpp"

namespace doctor {
namespace {

TEST(Printable, TakesTheTeethOutOfHostileText) {
  EXPECT_EQ(printable("a\x1b[31mred\r\n\0"), "a [31mred  ");
  EXPECT_EQ(printable(std::string("nul\0in", 6)), "nul in");
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(printable("bad\xFF\xC0\xAF"), "bad\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xED\xA0\x80").find('\xED'), std::string::npos) << "a lone surrogate";
  EXPECT_EQ(printable("txt\xE2\x80\xAEgpj.exe"), "txt gpj.exe") << "right-to-left override";
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            " 31m")
      << "C1 control sequence introducer";
}

TEST(Printable, CutsAtACharacterNotInsideOne) {
  const std::string cut = printable("\xC3\xA9\xC3\xA9\xC3\xA9", 5);
  EXPECT_EQ(cut, "\xC3\xA9\xC3\xA9\xE2\x80\xA6");
}

TEST(Format, SpeaksPeoplesUnits) {
  EXPECT_EQ(format_bytes(17), "17 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(268435456), "256 MiB");
  EXPECT_EQ(format_duration_ms(300), "300 ms");
  EXPECT_EQ(format_duration_ms(45'000), "45 s");
  EXPECT_EQ(format_duration_ms(150'000), "2.5 min");
  EXPECT_EQ(format_duration_ms(3 * 3'600'000.0 + 5 * 60'000), "3 h 5 min");
  EXPECT_EQ(format_duration_ms(76 * 3'600'000.0), "3 d 4 h");
  EXPECT_EQ(format_bytes(std::nan("")), "unknown");
}

TEST(Format, NumbersNeverTurnScientificWithoutNeed) {
  EXPECT_EQ(format_number(23, 1), "23");
  EXPECT_EQ(format_number(99.7, 2), "100");
  EXPECT_EQ(format_number(0.12345), "0.123");
  EXPECT_EQ(format_number(1234.6), "1235");
  EXPECT_EQ(format_number(2.0), "2");
}

TEST(Format, Rfc3339IsUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(1'795'243'949'123), "2026-11-21T06:52:29.123Z");
}

TEST(ReporterFilter, DoesWhatFlinksReporterDoes) {
  EXPECT_EQ(reporter_filtered("10.0.0.1:6122-ab12"), "10_0_0_1:6122_ab12");
}

TEST(FindingId, IsMadeOfNamesThatSurvive) {
  Finding finding;
  finding.detector = "restart_loop";
  finding.subject.cluster = "c";
  finding.subject.job_name = "a/b";
  finding.subject.job_id = "f00d";
  const std::string id = finding.id();
  EXPECT_EQ(id, "restart_loop/c//a|b");
  finding.subject.job_id = "beef";
  finding.summary = "42 restarts";
  EXPECT_EQ(finding.id(), id);
}

}  // namespace
}  // namespace doctor
