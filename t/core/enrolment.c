/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be enrolled, and by whom; tokens; the body of a PUT, where each
 * refusal names the member.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_enrol_body.h"


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, text ? strlen(text) : 0 };
}


static void
test_names(void)
{
    char  text[256], first[239];

    static const char *const  good[] = {
        "example.com", "mail.example.com", "a.example", "xn--bcher-kva.example",
        "mta-sts-test.example.com", "mail.mta-sts.example", "a_b.example.com",
        "123.example", "github.io",
    };
    static const char *const  bad[] = {
        "", "localhost", "com", "co.uk", "mta-sts.example.com",
        "_dmarc.example.com", "a._domainkey.example.com", "192.0.2.1",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_str(tlsrpt_enrolment_refused(str(good[i])), NULL, "%s", good[i]);
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(tlsrpt_enrolment_refused(str(bad[i])) != NULL, "not \"%s\": %s",
           bad[i], tlsrpt_enrolment_refused(str(bad[i])));
    }

    memset(first, 'a', sizeof(first));
    first[60] = first[120] = first[180] = '.';
    snprintf(text, sizeof(text), "%.*s.example", 238 - 8, first);
    is_str(tlsrpt_enrolment_refused(str(text)), NULL, "238 bytes");
    snprintf(text, sizeof(text), "%.*s.example", 239 - 8, first);
    ok(tlsrpt_enrolment_refused(str(text)) != NULL, "not one more");
}


static void
test_owners(void)
{
    char  text[130];

    ok(tlsrpt_owner_is_valid(str("a")), "an owner");
    ok(!tlsrpt_owner_is_valid(str("\xc3\xa9")), "in ASCII alone");
    ok(tlsrpt_owner_is_valid(str("a,b@{c}*")), "any sign");
    ok(!tlsrpt_owner_is_valid(str("")), "not nobody");
    ok(!tlsrpt_owner_is_valid(str("x *")), "no space");
    ok(!tlsrpt_owner_is_valid(str("x\n")), "no line");
    ok(!tlsrpt_owner_is_valid((tlsrpt_str_t) { "x\0y", 3 }), "no NUL");
    memset(text, 'x', sizeof(text));
    ok(tlsrpt_owner_is_valid((tlsrpt_str_t) { text, 128 }), "128 bytes");
    ok(!tlsrpt_owner_is_valid((tlsrpt_str_t) { text, 129 }), "not 129");
}


static void
test_tokens(void)
{
    char           token[TLSRPT_TOKEN_LEN + 1], again[TLSRPT_TOKEN_LEN + 1];
    unsigned char  random[TLSRPT_TOKEN_BYTES] = "foobar";

    tlsrpt_token_make(random, token);
    is_str(token, "mzxw6ytboiaaaaaaaaaaaaaaaa", "as RFC 4648 10 has it");
    memset(random, 0xff, sizeof(random));
    tlsrpt_token_make(random, token);
    is_str(token, "7777777777777777777777777" "4", "all bits");

    ok(tlsrpt_token_read(str("MZXW6YTBOIaaaaaaaaaaaaaaaa"), again),
       "in any case");
    is_str(again, "mzxw6ytboiaaaaaaaaaaaaaaaa", "it is read in lower case");
    ok(!tlsrpt_token_read(str("mzxw6ytboiaaaaaaaaaaaaaaa"), again), "not less");
    ok(!tlsrpt_token_read(str("mzxw6ytboiaaaaaaaaaaaaaaa1"), again),
       "no other sign");
    ok(tlsrpt_token_equal(str("MZXW6"), str("mzxw6")), "equal in any case");
    ok(!tlsrpt_token_equal(str("mzxw6"), str("mzxw7")), "not another");
    ok(!tlsrpt_token_equal(str("mzxw6"), str("mzxw")), "nor a part");

    ok(tlsrpt_token_of_address(str("tls+mzxw6ytboiaaaaaaaaaaaaaaaa@r.example"),
                               again), "in an address");
    is_str(again, "mzxw6ytboiaaaaaaaaaaaaaaaa", "that one");
    ok(tlsrpt_token_of_address(str("a+b-MZXW6ytboiaaaaaaaaaaaaaaaa@r.example"),
                               again), "behind the last + or -");
    ok(!tlsrpt_token_of_address(str("mzxw6ytboiaaaaaaaaaaaaaaaa@r.example"),
                                again), "not without one");
    ok(!tlsrpt_token_of_address(str("tls+mzxw6ytboiaaaaaaaaaaaaaaaa"), again),
       "not without a host");
    ok(!tlsrpt_token_of_address(str("@"), again), "not of nothing");
    ok(!tlsrpt_token_of_address(str(""), again), "at all");
}


/*
 * Bodies
 */

static tlsrpt_enrol_body_t   body;
static tlsrpt_enrol_error_t  error;


static unsigned
reads(const char *text)
{
    return tlsrpt_enrol_body_read(text, strlen(text), &body, &error);
}


static void
refuses(const char *text, unsigned status, const char *member,
    const char *piece)
{
    is_int(reads(text), status, "%s", text);
    is_str(error.member, member, "in %s", member);
    ok(strstr(error.text, piece) != NULL, "\"%s\" in: %s", piece, error.text);
}


static void
test_bodies(void)
{
    is_int(reads("{}"), 0, "an empty one");
    is_int(body.policy.mode, -1, "has no policy");
    is_int(reads("{\"mode\":\"enforce\",\"max-age\":604800,\"mx\":"
                 "[\"MX.Example.com.\",\"*.example.net\"],"
                 "\"contact\":[\"a.b+c@example.com\"]}"), 0, "a policy");
    is_int((long long) body.policy.nmx, 2, "with its hosts");
    is_str(body.policy.mx[0], "mx.example.com", "in one form");
    is_int(body.policy.max_age, 604800, "and its age");
    is_str(body.contact[0], "a.b+c@example.com", "and a contact");
    is_int(reads("{\"same-as\":\"B\xc3\xbc" "cher.example\"}"), 0, "same-as");
    is_str(body.same_as, "xn--bcher-kva.example", "in one form");
    is_int(reads("{\"mode\":\"none\",\"max-age\":0}"), 0, "mode none");
    is_int(reads("{\"mode\":null,\"max-age\":null,\"mx\":null,\"same-as\":null,"
                 "\"contact\":null,\"owner\":null,\"token\":null,"
                 "\"verified\":null}"), 0, "nulls");
    is_str(tlsrpt_enrol_body_of_operator(&body), NULL, "are not there");
    is_int(reads("{\"owner\":\"a\"}"), 0, "an owner");
    is_str(tlsrpt_enrol_body_of_operator(&body), "owner", "is the operator's");

    refuses("", 400, "", "no JSON");
    refuses("[]", 400, "", "object");
    refuses("{\"mode\":", 400, "", "no JSON");
    refuses("{\"mode\":\"none\",\"mode\":\"none\"}", 400, "", "duplicate");
    refuses("{\"modes\":1}", 422, "modes", "there is no member");
    refuses("{\"a\\nb\":1}", 422, "a?b", "there is no member");
    refuses("{\"mode\":1}", 422, "mode", "enforce");
    refuses("{\"mode\":\"Enforce\"}", 422, "mode", "lower case");
    refuses("{\"max-age\":1}", 422, "mode", "needs");
    refuses("{\"mx\":[]}", 422, "mode", "needs");
    refuses("{\"mode\":\"testing\",\"mx\":[\"a.example\"]}", 422, "max-age",
            "needs");
    refuses("{\"mode\":\"testing\",\"max-age\":1.5}", 422, "max-age", "whole");
    refuses("{\"mode\":\"testing\",\"max-age\":\"86400\"}", 422, "max-age",
            "whole");
    refuses("{\"mode\":\"testing\",\"max-age\":-1}", 422, "max-age", "whole");
    refuses("{\"mode\":\"testing\",\"max-age\":31557601}", 422, "max-age",
            "31557600");
    refuses("{\"mode\":\"testing\",\"max-age\":86400}", 422, "mx", "mx");
    refuses("{\"mode\":\"testing\",\"max-age\":86400,\"mx\":\"a.example\"}",
            422, "mx", "list");
    refuses("{\"mode\":\"testing\",\"max-age\":86400,\"mx\":[\"a.example\",1]}",
            422, "mx[1]", "host");
    refuses("{\"mode\":\"testing\",\"max-age\":86400,\"mx\":[\"a b\"]}",
            422, "mx[0]", "a b");
    refuses("{\"same-as\":\"a b\"}", 422, "same-as", "domain");
    refuses("{\"same-as\":\"a.example\",\"mode\":\"none\"}", 422, "same-as",
            "beside");
    refuses("{\"contact\":\"a@b.example\"}", 422, "contact", "list");
    refuses("{\"contact\":[1,2,3,4,5,6]}", 422, "contact", "5");
    refuses("{\"contact\":[\"a@b.example\",\"a\"]}", 422, "contact[1]", "mail");
    refuses("{\"contact\":[\"a@b.example, c@d.example\"]}", 422, "contact[0]",
            "mail");
    refuses("{\"contact\":[\"A <a@b.example>\"]}", 422, "contact[0]", "mail");
    refuses("{\"contact\":[\"a@b.example\\n\"]}", 422, "contact[0]", "mail");
    refuses("{\"contact\":[\"@b.example\"]}", 422, "contact[0]", "mail");
    refuses("{\"contact\":[\"a@\"]}", 422, "contact[0]", "mail");
    refuses("{\"verified\":false}", 422, "verified", "true");
    refuses("{\"owner\":\"a b\"}", 422, "owner", "ASCII");
    refuses("{\"owner\":\"\"}", 422, "owner", "ASCII");
    refuses("{\"token\":\"demo\"}", 422, "token", "26");
}


static void
test_bounds(void)
{
    char    *text = malloc(40000);
    size_t   len = 0;

    memset(text, ' ', 40000);
    memcpy(text, "{}", 2);
    is_int(tlsrpt_enrol_body_read(text, TLSRPT_ENROL_BODY_SIZE, &body, &error),
           0, "32 KiB");
    is_int(tlsrpt_enrol_body_read(text, TLSRPT_ENROL_BODY_SIZE + 1, &body,
                                  &error), 413, "not more");

    len = (size_t) snprintf(text, 40000, "{\"mode\":\"testing\",\"max-age\":"
                            "86400,\"mx\":[\"a.example\"");

    for (int i = 0; i < 64; i++) {
        len += (size_t) snprintf(text + len, 40000 - len, ",\"mx%d.example\"",
                                 i);
    }

    snprintf(text + len, 40000 - len, "]}");
    is_int(reads(text), 422, "65 hosts");
    is_str(error.member, "mx[64]", "are one too many");

    memset(text, '[', 30000);
    is_int(tlsrpt_enrol_body_read(text, 30000, &body, &error), 400, "deep");
    free(text);
}


int
main(void)
{
    test_names();
    test_owners();
    test_tokens();
    test_bodies();
    test_bounds();

    return done();
}
