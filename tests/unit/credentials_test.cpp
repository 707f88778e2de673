// What is shown: read from files that are wrong, missing or replaced, and refused by the peer.
#include <sys/stat.h>

#include "agent/net/refusal.hpp"
#include "tests/unit/tls_fixture.hpp"

namespace doctor {
namespace {

using certificates::Authority;
using loopback::Peer;
using loopback::ScriptServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CredentialFiles : public TlsTest {
 protected:
  /// What arrives at a plain server.
  std::string request_as_sent() {
    std::string asked;
    std::uint16_t port{};
    {
      const ScriptServer server([&](const Peer& peer) {
        asked = peer.receive_until("\r\n\r\n");
        peer.send(kTlsOk);
      });
      port = server.port();
      works(plain(port));
    }
    return asked;
  }
  Endpoint plain(std::uint16_t port) {
    Endpoint result = endpoint(port);
    result.tls = false;
    return result;
  }
  std::string fault_of_files() { return why(endpoint(loopback::unused_port())); }
};

TEST_F(CredentialFiles, BasicAndExtraHeaders) {
  access.auth.username = "doctor";
  access.auth.password_file = write("password", "open sesame\r\n");
  access.auth.headers = {{"X-Tenant", Secret("streaming"), ""},
                         {"X-Key", {}, write("key", "k-1\n")}};
  EXPECT_THAT(request_as_sent(),
              AllOf(HasSubstr("\r\nAuthorization: Basic ZG9jdG9yOm9wZW4gc2VzYW1l\r\n"),
                    HasSubstr("\r\nX-Tenant: streaming\r\n"), HasSubstr("\r\nX-Key: k-1\r\n\r\n")));
}

TEST_F(CredentialFiles, BearerTokenIsReadAgainWhenReplaced) {
  access.auth.bearer_token_file = write("token", "first\n");
  EXPECT_THAT(request_as_sent(), HasSubstr("\r\nAuthorization: Bearer first\r\n"));
  write("token", "other\n");
  EXPECT_THAT(request_as_sent(), HasSubstr("\r\nAuthorization: Bearer other\r\n"));
  std::ofstream(path("token")) << "third\n";  // in place
  EXPECT_THAT(request_as_sent(), HasSubstr("\r\nAuthorization: Bearer third\r\n"));
}

TEST_F(CredentialFiles, FilesAreNotLookedAtBeforeTheRecheck) {
  limits.credentials_recheck_ms = 3'600'000;
  make_client();
  access.auth.bearer_token_file = write("token", "first\n");
  EXPECT_THAT(request_as_sent(), HasSubstr("Bearer first\r\n"));
  write("token", "second\n");
  EXPECT_THAT(request_as_sent(), HasSubstr("Bearer first\r\n"));
}

TEST_F(CredentialFiles, AFileThatIsAwayForAMomentIsForgiven) {
  access.auth.bearer_token_file = write("token", "first\n");
  EXPECT_THAT(request_as_sent(), HasSubstr("Bearer first\r\n"));
  std::filesystem::remove(path("token"));
  EXPECT_THAT(request_as_sent(), HasSubstr("Bearer first\r\n"));
}

TEST_F(CredentialFiles, FilesThatAreNoTokens) {
  access.auth.bearer_token_file = path("token");
  const std::string name = path("token");
  EXPECT_THAT(fault_of_files(), HasSubstr("cannot read " + name + ": No such file"));
  EXPECT_THAT(fault_of_files(), HasSubstr("for 127.0.0.1:"));
  write("token", "\n");
  EXPECT_THAT(fault_of_files(), HasSubstr(name + " is empty"));
  write("token", "canary\nHost: canary\n");
  EXPECT_THAT(fault_of_files(), HasSubstr(name + " is not one line"));
  write("token", "canary-\xc3\xa4\n");
  EXPECT_THAT(fault_of_files(), HasSubstr(name + " is not one line"));
  write("token", std::string(10'000, 'x'));
  EXPECT_THAT(fault_of_files(), HasSubstr(name + " is larger than 8192 bytes"));
  std::filesystem::remove(name);
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  EXPECT_THAT(fault_of_files(), HasSubstr("not a regular file"));
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  EXPECT_THAT(fault_of_files(), HasSubstr("cannot read " + name));
}

TEST_F(CredentialFiles, FilesThatAreNoCertificatesOrKeys) {
  write("ca.pem", "canary\n");
  EXPECT_THAT(fault_of_files(), HasSubstr(path("ca.pem") + ": no CA certificate in PEM form"));
  write("ca.pem", "");
  EXPECT_THAT(fault_of_files(), HasSubstr(path("ca.pem") + ": no CA certificate in PEM form"));
  std::filesystem::remove(path("ca.pem"));
  EXPECT_THAT(fault_of_files(), HasSubstr("cannot read " + path("ca.pem")));
}

TEST_F(CredentialFiles, KeysThatDoNotFit) {
  show({"canary", "canary"});
  EXPECT_THAT(fault_of_files(), HasSubstr(path("client.pem") + ": no certificate in PEM form"));
  const certificates::Identity one = authority.issue();
  write("client.pem", one.certificate);
  EXPECT_THAT(fault_of_files(), HasSubstr(path("client.key") + ": no private key in PEM form"));
  write("client.key", authority.issue().key);
  EXPECT_THAT(fault_of_files(), HasSubstr(path("client.key") +
                                          ": the private key does not match the certificate of " +
                                          path("client.pem")));
  const certificates::Key rsa(EVP_RSA_gen(2048), EVP_PKEY_free);
  write("client.key", certificates::pem(rsa.get()));
  EXPECT_THAT(fault_of_files(), HasSubstr("does not match"));
  write("client.key", certificates::encrypted_key("canary"));
  EXPECT_THAT(fault_of_files(), HasSubstr(path("client.key") + ": the private key is encrypted"));
}

TEST_F(CredentialFiles, CertificatesAreReadAgainWhenReplaced) {
  const Authority next("next CA");
  const ScriptServer before(with_tls(manners(), tls_says(kTlsOk)));
  const ScriptServer after(with_tls({next.issue()}, tls_says(kTlsOk)));
  EXPECT_TRUE(works(endpoint(before.port())));
  EXPECT_EQ(fault(endpoint(after.port())).code, ErrorCode::tls);
  write("ca.pem", authority.certificate() + next.certificate());
  EXPECT_TRUE(works(endpoint(before.port())));
  EXPECT_TRUE(works(endpoint(after.port())));
}

TEST_F(CredentialFiles, ClientCertificateIsReplacedInTwoSteps) {
  const Authority next("next CA");
  show(authority.issue());
  TlsManners old_manners = manners();
  old_manners.client_authority = authority.certificate();
  TlsManners new_manners = manners();
  new_manners.client_authority = next.certificate();
  const ScriptServer before(with_tls(old_manners, tls_says(kTlsOk)));
  const ScriptServer after(with_tls(new_manners, tls_says(kTlsOk)));
  EXPECT_TRUE(works(endpoint(before.port())));
  const certificates::Identity fresh = next.issue();
  write("client.pem", fresh.certificate);
  EXPECT_TRUE(works(endpoint(before.port()))) << "the former pair serves until both are there";
  write("client.key", fresh.key);
  EXPECT_TRUE(works(endpoint(after.port())));
}

TEST_F(CredentialFiles, RefusedOnesAreNamedAndNotRepeated) {
  access.auth.bearer_token_file = write("token", "canary");
  const ScriptServer server(
      with_tls(manners(), tls_says("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer error=canary\r\n"
                                   "Content-Length: 6\r\n\r\ncanary")));
  const Error error = fault(endpoint(server.port()));
  EXPECT_EQ(error.code, ErrorCode::http_status);
  EXPECT_THAT(error.message, AllOf(HasSubstr("HTTP 401: it refuses the token of " + path("token")),
                                   HasSubstr("it asks for Bearer")));
}

std::string refused(int status, const std::string& challenges, const HttpAccess& access = {}) {
  ResponseHead head;
  head.status = status;
  head.challenges = challenges;
  const Endpoint endpoint{"jm", 1, "", true, std::make_shared<const HttpAccess>(access)};
  const std::optional<Error> error = refusal(endpoint, head);
  return error ? error->message : "";
}

TEST(Refusal, SaysWhatToSet) {
  HttpAccess access{"clusters[2].tls", "clusters[2].reporter_auth"};
  EXPECT_EQ(refused(401, "Basic realm=\"x\", Bearer", access),
            "HTTP 401: it asks for credentials (Basic or Bearer); set "
            "clusters[2].reporter_auth.basic or clusters[2].reporter_auth.bearer_token_file");
  EXPECT_THAT(refused(401, ""), HasSubstr("--bearer-token-file"));
  EXPECT_THAT(refused(403, ""), HasSubstr("forbidden without credentials"));
  access.auth.username = "doctor";
  access.auth.password_file = "/run/password";
  EXPECT_THAT(refused(401, "Basic", access),
              HasSubstr("it refuses user doctor with the password of /run/password"));
  EXPECT_THAT(refused(403, "", access), HasSubstr("may not read this"));
  for (const int status : {200, 204, 304, 404, 500, 503}) {
    EXPECT_EQ(refused(status, ""), "") << status;
  }
}

TEST(Refusal, AProxyThatWantsACertificateSaysSoByA400ThatIsNotJson) {
  EXPECT_THAT(refused(400, ""), HasSubstr("client certificate; set --cert-file and --key-file"));
  HttpAccess access;
  access.tls.certificate_file = "/run/client.pem";
  EXPECT_EQ(refused(400, "", access), "");
  ResponseHead of_flink;
  of_flink.status = 400;
  of_flink.content_type = "application/json; charset=UTF-8";
  EXPECT_FALSE(refusal(Endpoint{"jm", 1, "", true}, of_flink));
}

TEST(Refusal, KerberosIsNotSupportedAndSaysSo) {
  for (const char* offered : {"Negotiate", "negotiate YII=", "Negotiate, NTLM", "NTLM"}) {
    EXPECT_THAT(refused(401, offered), HasSubstr("SPNEGO")) << offered;
  }
  EXPECT_THAT(refused(401, "Negotiate, Basic realm=\"x\""),
              AllOf(Not(HasSubstr("SPNEGO")), HasSubstr("Basic")));
  for (const char* offered : {"Basic realm=\"negotiate\"", "Digest realm=\"do negotiate it\""}) {
    EXPECT_THAT(refused(401, offered), Not(HasSubstr("SPNEGO"))) << offered;
  }
}

TEST(Refusal, RedirectsSayWhereTo) {
  ResponseHead head;
  head.status = 301;
  const auto to = [&](const std::string& location) {
    head.location = location;
    const std::optional<Error> error = refusal({"jm", 1}, head);
    return error ? error->message : "nothing";
  };
  EXPECT_EQ(to(""), "nothing");
  EXPECT_THAT(to("https://jm:8443/#/overview"), HasSubstr("points to https://jm:8443/;"));
  EXPECT_THAT(to("/login?next=canary"), HasSubstr("points to /login;"));
  EXPECT_THAT(to("//u:canary@sso/x"), HasSubstr("points to //sso/x;"));
  EXPECT_THAT(to("http://x/\x1b[31m\r\n"), Not(HasSubstr("\x1b")));
  EXPECT_LT(to("https://" + std::string(100'000, 'x')).size(), 400U);
}

}  // namespace
}  // namespace doctor
