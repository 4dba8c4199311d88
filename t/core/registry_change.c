/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a domain in the registry, by people, by what DNS shows, and
 * by time; without Redis: each record is written and read again between two
 * changes.  What is written beside it: t/redis/registry.t.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_registry.h"
#include "tlsrpt_time.h"

#define DOMAIN   "example.com"
#define POLICY   "{\"mode\":\"enforce\",\"max-age\":604800,"                  \
                 "\"mx\":[\"mx.example.com\"]}"
#define TESTING  "{\"mode\":\"testing\",\"max-age\":86400,"                   \
                 "\"mx\":[\"mx.example.com\"]}"
#define T0       INT64_C(1800000000)
#define DAY      TLSRPT_DAY

static tlsrpt_registry_record_t  *record;
static tlsrpt_change_t            change;
static int64_t                    now;
static unsigned                   version;


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, text ? strlen(text) : 0 };
}


static void
reread(void)
{
    int           broken;
    char          text[24];
    tlsrpt_buf_t  buf = { NULL, 0, 0, 0 };

    tlsrpt_buf_add(&buf, text, (size_t) snprintf(text, sizeof(text), "%u ",
                                                 ++version));

    if (tlsrpt_registry_record_write(record, &buf) != 0) {
        abort();
    }

    tlsrpt_change_free(&change);
    tlsrpt_registry_record_destroy(record);
    record = tlsrpt_registry_record_read(buf.data, buf.len, &broken);

    if (record == NULL) {
        printf("# %.*s\n", (int) buf.len, buf.data);
        abort();
    }

    tlsrpt_buf_free(&buf);
}


static void
fresh(void)
{
    int  broken;

    tlsrpt_change_free(&change);
    tlsrpt_registry_record_destroy(record);
    record = tlsrpt_registry_record_read("", 0, &broken);
    now = T0;
}


/* owner NULL: the operator asks. */

static tlsrpt_change_how_t
asks(const char *owner)
{
    static unsigned char  seed;
    tlsrpt_change_how_t   how;

    memset(&how, 0, sizeof(how));
    memset(how.random, ++seed, sizeof(how.random));
    how.random[0] = 0;
    how.domain = str(DOMAIN);
    how.now = now;
    how.is_operator = owner == NULL;
    how.owner = str(owner);
    how.max = 100;

    return how;
}


static int
put(const char *owner, const char *text, const tlsrpt_other_t *next,
    const tlsrpt_other_t *was)
{
    tlsrpt_change_how_t          how = asks(owner);
    tlsrpt_enrol_error_t         error;
    static tlsrpt_enrol_body_t   body;

    if (tlsrpt_enrol_body_read(text, strlen(text), &body, &error) != 0) {
        printf("# %s: %s\n", error.member, error.text);
        abort();
    }

    tlsrpt_change_put(&change, record, &how, &body, next, was);

    return change.status;
}


static int
leave(const char *owner, int at_once)
{
    tlsrpt_change_how_t  how = asks(owner);

    tlsrpt_change_leave(&change, record, &how, at_once, NULL, NULL, 0);

    return change.status;
}


/* NULL: not known; "": there is none. */

static int
looked(const char *verify, const char *reporting)
{
    tlsrpt_str_t         v = str(verify), r = str(reporting);
    tlsrpt_shown_t       shown = {
        verify != NULL, &v, v.len ? 1 : 0, reporting != NULL, &r, r.len ? 1 : 0
    };
    tlsrpt_change_how_t  how = asks("");

    tlsrpt_change_looked(&change, record, &how, &shown, NULL);

    return change.status;
}


static int
expire(void)
{
    tlsrpt_change_how_t  how = asks("");

    tlsrpt_change_expire(&change, record, &how, NULL, 0);

    return change.status;
}


/* The value, or the token, of an owner's enrolment. */

static const char *
text_of(tlsrpt_str_t s)
{
    static char  texts[4][64];
    static int   n;

    n = (n + 1) % 4;
    snprintf(texts[n], sizeof(texts[n]), "%.*s", (int) s.len, s.data);

    return texts[n];
}


static tlsrpt_enrolment_t *
of(const char *owner)
{
    tlsrpt_enrolment_t  *e = tlsrpt_registry_record_find(record, str(owner));

    if (e == NULL) {
        printf("# nothing of %s\n", owner ? owner : "the operator");
        abort();
    }

    return e;
}


static const char *
value(const char *owner)
{
    return text_of(of(owner)->value);
}


/* "type actor owner; ..." */

static const char *
events(void)
{
    size_t       i, len = 0;
    json_t      *event;
    static char  text[512];

    text[0] = '\0';

    json_array_foreach(change.events, i, event) {
        const char  *actor = json_string_value(json_object_get(event, "actor"));
        const char  *owner = json_string_value(json_object_get(event, "owner"));

        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s %s %s",
                                 i ? "; " : "",
                                 json_string_value(json_object_get(event,
                                                                   "type")),
                                 actor ? actor : "-", owner ? owner : "-");
    }

    return text;
}


/* What is served: "MODE MAX-AGE", "none" of mode. */

static const char *
served(void)
{
    static char              text[64];
    static mta_sts_policy_t  policy;

    if (record->holder == NULL
        || !tlsrpt_enrolment_policy(record->holder, now, &policy))
    {
        return "-";
    }

    snprintf(text, sizeof(text), "%s %u", mta_sts_mode_name(policy.mode),
             (unsigned) policy.max_age);

    return text;
}


/* A holds it, proved, with that policy. */

static void
a_holds(const char *body)
{
    fresh();
    (void) put("a", body, NULL, NULL);
    reread();
    now += 10;
    (void) looked(value("a"), "");
    reread();
}


/*
 * Enrolled and proved
 */

static void
test_proved(void)
{
    char  record_text[160];

    fresh();
    is_int(put("a", POLICY, NULL, NULL), TLSRPT_CHANGE_OK, "it is enrolled");
    ok(change.created, "newly");
    is_str(events(), "domain-enrolled @a a", "which is told of to its owner");
    is_int(change.look, T0 + 10, "DNS is looked at soon");
    reread();
    is_int((long long) record->npending, 1, "it waits");
    ok(record->holder == NULL, "and nobody holds it");
    is_str(served(), "-", "nothing is served of it");
    is_int(put("a", POLICY, NULL, NULL), TLSRPT_CHANGE_NOTHING,
           "the same once more is nothing");
    ok(!change.created && change.enrolment == of("a"), "and is answered");

    now += 10;
    is_int(looked("", ""), TLSRPT_CHANGE_NOTHING, "DNS shows nothing");
    is_int(change.look, T0 + 60, "it is looked at again");
    is_int(looked(NULL, NULL), TLSRPT_CHANGE_NOTHING, "DNS does not answer");
    is_int(looked("aaaaaaaaaaaaaaaaaaaaaaaaaa", ""), TLSRPT_CHANGE_NOTHING,
           "another value");
    is_int(looked(text_of(of("a")->token), ""), TLSRPT_CHANGE_NOTHING,
           "a token is no value");
    is_int(looked(value("a"), NULL), TLSRPT_CHANGE_OK, "its value");
    is_str(events(), "domain-verified - -", "is told of");
    reread();
    is_int(record->holder->state, TLSRPT_ACTIVE, "it is active");
    is_int(record->holder->proved, now, "from that time on");
    is_str(served(), "enforce 604800", "and its policy is served");
    is_int(looked(value("a"), ""), TLSRPT_CHANGE_NOTHING, "and stays so");
    is_int(change.look, now + 30 * DAY, "looked at monthly");

    fresh();
    (void) put("a", "{}", NULL, NULL);
    snprintf(record_text, sizeof(record_text), "v=TLSRPTv1; rua=mailto:tls@"
             "example.net,https://r.example/v1/%s/", text_of(of("a")->token));
    is_int(looked("", record_text), TLSRPT_CHANGE_OK, "by its report URI");
    fresh();
    (void) put("a", "{}", NULL, NULL);
    snprintf(record_text, sizeof(record_text), "v=TLSRPTv1; rua = mailto:tls+"
             "%s@r.example", text_of(of("a")->token));
    is_int(looked("", record_text), TLSRPT_CHANGE_OK, "by its address");
    fresh();
    (void) put("a", "{}", NULL, NULL);
    snprintf(record_text, sizeof(record_text), "rua=https://r.example/%s",
             text_of(of("a")->token));
    is_int(looked("", record_text), TLSRPT_CHANGE_NOTHING,
           "by no other record");
}


static void
test_times(void)
{
    static const int64_t  looks[] = { 60, 300, 900, 3600, 3600 + 6 * 3600 };

    fresh();
    (void) put("a", "{}", NULL, NULL);
    reread();

    now = T0 + 10;

    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        (void) looked("", "");
        is_int(change.look - T0, looks[i], "looked at after %d s",
               (int) looks[i]);
        now = change.look;
    }

    now = T0 + 14 * DAY - 1;
    is_int(expire(), TLSRPT_CHANGE_NOTHING, "it waits for 14 days");
    now++;
    is_int(expire(), TLSRPT_CHANGE_OK, "and no longer");
    is_str(events(), "domain-expired - a", "which its owner is told");
    reread();
    ok(tlsrpt_registry_record_is_empty(record) && record->left == now,
       "a trace stays");
    is_int(expire(), TLSRPT_CHANGE_NOTHING, "for a time");
    now += 30 * DAY;
    is_int(expire(), TLSRPT_CHANGE_OK, "then nothing does");
    is_int((long long) change.json.len, 0, "no record at all");
}


/*
 * Several
 */

static void
test_side_by_side(void)
{
    fresh();
    (void) put("a", POLICY, NULL, NULL);
    reread();
    is_int(put("b", TESTING, NULL, NULL), TLSRPT_CHANGE_OK, "two may try");
    reread();
    is_int(put(NULL, "{}", NULL, NULL), TLSRPT_CHANGE_OK,
           "the operator, too");
    reread();
    is_int((long long) record->npending, 3, "side by side");
    ok(strcmp(value("a"), value("b")) != 0, "each with its value");
    ok(!tlsrpt_token_equal(of("a")->token, of("b")->token), "and token");
    (void) looked(value("b"), "");
    reread();
    is_str(text_of(record->holder->owner), "b", "whose value shows has it");
    is_int((long long) record->npending, 2, "the others wait");
    is_str(served(), "testing 86400", "with its policy");

    is_int(leave("a", 0), TLSRPT_CHANGE_OK, "one withdraws");
    ok(change.removed, "at once");
    is_str(events(), "domain-left @a a", "for itself");
    reread();
    is_int((long long) record->npending, 1, "and is gone");
    is_int(leave("a", 0), TLSRPT_CHANGE_UNKNOWN, "once");
    is_int(leave("c", 0), TLSRPT_CHANGE_UNKNOWN, "a stranger is told nothing");

    fresh();

    for (int i = 0; i < TLSRPT_RECORD_PENDING + 3; i++) {
        char  owner[16];

        snprintf(owner, sizeof(owner), "owner%d", i);
        (void) put(owner, "{}", NULL, NULL);
        now++;
    }

    is_str(events(), "domain-expired @owner258 owner2; "
           "domain-enrolled @owner258 owner258", "of too many the oldest goes");
    reread();
    is_int((long long) record->npending, TLSRPT_RECORD_PENDING, "so many stay");
    is_str(text_of(record->pending[0]->owner), "owner3", "the latest ones");
}


/* Whoever has many names cannot push others out by long ones. */

static void
test_size(void)
{
    int           kept = 0;
    char          owner[16], name[512];
    json_t       *body = json_pack("{s:s, s:i, s:[]}", "mode", "testing",
                                   "max-age", 86400, "mx");
    char         *text;

    for (int i = 0; i < MTA_STS_MAX_MX; i++) {
        memset(name, 'x', sizeof(name));
        snprintf(name + 243, sizeof(name) - 243, "%03d.example", i);
        name[60] = name[120] = name[180] = name[240] = '.';
        name[0] = (char) ('a' + i % 26);
        json_array_append_new(json_object_get(body, "mx"),
                              json_string(name + 8));
    }

    text = json_dumps(body, 0);
    fresh();
    (void) put("small", "{}", NULL, NULL);

    for (int i = 0; i < 20; i++) {
        snprintf(owner, sizeof(owner), "owner%d", i);
        ok(put(owner, text, NULL, NULL) == TLSRPT_CHANGE_OK
           && change.json.len <= TLSRPT_RECORD_SIZE, "a long one: %zu bytes",
           change.json.len);
        reread();
        kept += tlsrpt_registry_record_find(record, str(owner)) != NULL;
    }

    is_int(kept, 20, "each is taken");
    ok(record->npending < 20, "others of them went");
    ok(tlsrpt_registry_record_find(record, str("small")) != NULL,
       "a short one stays");
    free(text);
    json_decref(body);
}


/*
 * It passes on
 */

static void
test_passes_on(void)
{
    char  b[32];

    a_holds(POLICY);
    now += 10 * DAY;
    (void) put("b", "{}", NULL, NULL);
    reread();
    snprintf(b, sizeof(b), "%s", value("b"));

    is_int(looked(b, "v=TLSRPTv1; rua=mailto:x@example.net"),
           TLSRPT_CHANGE_OK, "b's shows, a's no more");
    is_str(events(), "", "which is not told yet");
    is_int(change.look, now + 10, "looked at for b");
    reread();
    is_int(record->passing, now, "but kept");
    now += DAY - 1;
    (void) looked(b, "");
    reread();
    is_str(text_of(record->holder->owner), "a", "not before a day is over");
    is_int(looked(b, NULL), TLSRPT_CHANGE_NOTHING, "what is not known");
    is_int(looked(NULL, ""), TLSRPT_CHANGE_NOTHING, "changes nothing");
    now++;
    is_int(looked(b, ""), TLSRPT_CHANGE_OK, "then it passes on");
    is_str(events(), "domain-transferred - -", "which is told");
    ok(change.passed, "to the host, too");
    reread();
    is_str(text_of(record->holder->owner), "b", "to b");
    is_int(record->holder->proved, now, "who sees nothing from before");
    is_str(served(), "enforce 604800", "the policy stays");
    is_int((long long) record->npending, 0, "a has nothing");
    is_int(leave("a", 0), TLSRPT_CHANGE_UNKNOWN, "nothing at all");
    ok(record->holder->held >= now + 604800 - 1
       || tlsrpt_enrolment_held(record->holder, now) == now + 604800,
       "what senders hold is known");

    /* it shows only for a time */
    a_holds(POLICY);
    (void) put("b", TESTING, NULL, NULL);
    reread();
    snprintf(b, sizeof(b), "%s", value("b"));
    (void) looked(b, "");
    reread();
    now += DAY / 2;
    is_int(looked("", ""), TLSRPT_CHANGE_OK, "b's shows no more");
    reread();
    is_int(record->passing, 0, "it begins anew");
    now += DAY;
    (void) looked(b, "");
    reread();
    is_str(text_of(record->holder->owner), "a", "at this look");
    now += 1;
    (void) looked(value("a"), "");
    reread();
    is_int(record->passing, 0, "a's proof ends it, too");
    (void) looked(b, "");
    reread();
    now += DAY;
    (void) looked(b, "");
    reread();
    is_str(text_of(record->holder->owner), "b", "until it passes");
    is_str(served(), "testing 86400", "with the policy that b wants");
    is_int(record->holder->held, now + 604800, "senders may hold a's");

    /* the report URI is not enough, where somebody holds it */
    a_holds(POLICY);
    (void) put("b", "{}", NULL, NULL);
    reread();
    {
        char  text[100];

        snprintf(text, sizeof(text), "v=TLSRPTv1; rua=https://r.example/%s",
                 text_of(of("b")->token));
        is_int(looked("", text), TLSRPT_CHANGE_OK, "a's is gone");
        is_int(record->passing, 0, "b's report URI does not take it");
    }

    /* the operator */
    a_holds(POLICY);
    is_int(put(NULL, "{\"owner\":\"b\",\"verified\":true}", NULL, NULL),
           TLSRPT_CHANGE_OK, "the operator passes it on at once");
    is_str(events(), "domain-enrolled operator b; domain-transferred operator "
           "-", "which is told");
    reread();
    is_str(text_of(record->holder->owner), "b", "to b");
    is_str(served(), "enforce 604800", "the policy stays");
}


static void
test_unproved(void)
{
    a_holds(POLICY);
    now += 30 * DAY;
    is_int(looked("", ""), TLSRPT_CHANGE_OK, "the proof is gone");
    is_str(events(), "", "which is not told yet");
    is_int(change.look, now + DAY, "it is looked at daily");
    reread();
    now += 29 * DAY;
    is_int(looked("", ""), TLSRPT_CHANGE_NOTHING, "for 29 days");
    now += DAY;
    is_int(looked("", ""), TLSRPT_CHANGE_OK, "for 30");
    is_str(events(), "domain-unproved - -", "which is told");
    reread();
    now += DAY;
    is_int(looked("", ""), TLSRPT_CHANGE_NOTHING, "once");
    is_str(served(), "enforce 604800", "and changes nothing");
    is_int(looked(value("a"), ""), TLSRPT_CHANGE_OK, "it is there again");
    reread();
    is_int(record->holder->unproved, 0, "which ends it");
    is_int(record->holder->proved, T0 + 10, "it is proved since it was first");
}


/*
 * It leaves
 */

static void
test_leaves(void)
{
    int64_t  ends;

    a_holds(POLICY);
    now += DAY;
    is_int(put("a", TESTING, NULL, NULL), TLSRPT_CHANGE_OK, "another policy");
    is_str(events(), "policy-changed @a -", "which is told");
    ends = now + 604800;
    reread();
    now += 2 * DAY;
    is_int(leave("a", 1), TLSRPT_CHANGE_FORBIDDEN, "not at once");
    is_int(leave("a", 0), TLSRPT_CHANGE_OK, "it leaves");
    is_str(events(), "domain-leaving @a -", "which is told");
    ok(!change.removed, "not at once");
    is_int(change.until, ends, "but when senders have forgotten the first one");
    reread();
    is_int(record->holder->state, TLSRPT_LEAVING, "it is leaving");
    is_str(served(), "none 86400", "with such a policy (RFC 8461 8.3)");
    is_int(leave("a", 0), TLSRPT_CHANGE_NOTHING, "twice is once");
    is_int(change.until, ends, "with the same end");

    is_int(put("a", TESTING, NULL, NULL), TLSRPT_CHANGE_OK, "it is taken back");
    reread();
    is_int(record->holder->state, TLSRPT_ACTIVE, "and is active");
    is_str(served(), "testing 86400", "with its policy");
    is_int(record->holder->ends, 0, "without an end");
    is_int(record->holder->held, ends, "which is not forgotten");

    now += 6 * DAY;                         /* the first one is forgotten */
    (void) leave("a", 0);
    is_int(change.until, now + 86400, "or the last one, which is held longer");
    reread();
    now += 86399;
    is_int(expire(), TLSRPT_CHANGE_NOTHING, "not before");
    now++;
    is_int(expire(), TLSRPT_CHANGE_OK, "then it has left");
    is_str(events(), "domain-left - -", "which is told");
    reread();
    ok(record->holder == NULL && record->left == now, "a trace stays");
    is_int(put("b", "{}", NULL, NULL), TLSRPT_CHANGE_OK, "it can come again");
    reread();
    is_int(record->left, 0, "and the trace goes");

    a_holds("{}");
    is_int(leave("a", 0), TLSRPT_CHANGE_OK, "without a policy");
    ok(change.removed && change.until == 0, "it leaves at once");

    a_holds(POLICY);
    now += DAY;
    is_int(leave(NULL, 1), TLSRPT_CHANGE_OK, "the operator may do it at once");
    ok(change.removed, "and it is gone");
    is_int(change.until, now + 604800, "senders may refuse mail until then");

    a_holds(POLICY);
    (void) put("b", "{}", NULL, NULL);
    reread();
    (void) leave(NULL, 0);
    reread();
    is_int(record->holder->state, TLSRPT_LEAVING, "the operator's is of the "
           "holder");
    is_int((long long) record->npending, 1, "others wait on");
    now += 8 * DAY;
    (void) expire();
    reread();
    is_int(record->left, 0, "when it has left, others still wait");
    is_int(leave(NULL, 0), TLSRPT_CHANGE_OK, "now those");
    ok(change.removed && tlsrpt_registry_record_is_empty(record), "all go");
}


static void
test_policy_taken_away(void)
{
    int64_t  ends;

    a_holds(POLICY);
    now += DAY;
    ends = now + 604800;
    is_int(put("a", "{}", NULL, NULL), TLSRPT_CHANGE_OK, "a policy goes");
    is_str(events(), "policy-changed @a -", "which is told");
    reread();
    is_int(record->holder->state, TLSRPT_ACTIVE, "the domain stays");
    is_str(served(), "none 86400", "with such a policy (RFC 8461 8.3)");
    is_int(record->holder->held, ends, "for as long as senders hold it");
    (void) put("a", "{\"contact\":[\"a@example.com\"]}", NULL, NULL);
    reread();
    is_int(record->holder->held, ends, "whatever else is set");
    is_int((long long) record->holder->ncontact, 1, "as contacts");
    now = ends - 1;
    is_int(expire(), TLSRPT_CHANGE_NOTHING, "not less");
    now = ends;
    is_str(served(), "-", "then nothing is served");
    is_int(expire(), TLSRPT_CHANGE_OK, "and it is written so");
    reread();
    is_int(record->holder->held, 0, "that all hear of it");
    is_int(record->holder->state, TLSRPT_ACTIVE, "it is active still");
}


/*
 * The operator's
 */

static void
test_operator(void)
{
    fresh();
    is_int(put("a", "{\"verified\":true}", NULL, NULL),
           TLSRPT_CHANGE_FORBIDDEN, "an owner cannot vouch for itself");
    is_str(change.member, "verified", "which is said");
    is_int(put("a", "{\"owner\":\"b\"}", NULL, NULL), TLSRPT_CHANGE_FORBIDDEN,
           "nor be another");
    is_int(put("a", "{\"token\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"}", NULL, NULL),
           TLSRPT_CHANGE_FORBIDDEN, "nor choose a token");
    ok(tlsrpt_registry_record_is_empty(record), "and nothing is done");

    is_int(put(NULL, "{\"owner\":\"a\",\"token\":\"AAAAAAAAAAAAAAAAAAAAAAAAA7"
               "\",\"verified\":true,\"mode\":\"none\",\"max-age\":86400}",
               NULL, NULL), TLSRPT_CHANGE_OK, "the operator moves one in");
    is_str(events(), "domain-enrolled operator a; domain-verified operator -",
           "which is told");
    is_int(change.look, now + 30 * DAY, "DNS need not show it soon");
    reread();
    is_str(text_of(record->holder->owner), "a", "of an owner");
    is_str(text_of(record->holder->token), "aaaaaaaaaaaaaaaaaaaaaaaaa7",
           "with its token");
    is_str(served(), "none 86400", "active");

    is_int(put(NULL, TESTING, NULL, NULL), TLSRPT_CHANGE_OK,
           "it changes the holder's");
    reread();
    is_str(text_of(record->holder->owner), "a", "whose it stays");
    is_str(served(), "testing 86400", "with another policy");
    is_int(put(NULL, "{\"owner\":\"b\"}", NULL, NULL), TLSRPT_CHANGE_OK,
           "it enters another");
    reread();
    is_int((long long) record->npending, 1, "who waits");
    is_int(put(NULL, "{\"owner\":\"a\",\"mode\":\"testing\",\"max-age\":86400,"
               "\"mx\":[\"mx.example.com\"]}", NULL, NULL),
           TLSRPT_CHANGE_NOTHING, "the same");
}


/*
 * same-as
 */

static tlsrpt_other_t
other_of(const char *owner)
{
    tlsrpt_other_t  other;

    memset(&other, 0, sizeof(other));
    other.exists = 1;
    other.owner = str(owner);
    other.version = 7;

    return other;
}


static void
test_same_as(void)
{
    tlsrpt_other_t      other;
    const char         *body = "{\"same-as\":\"other.example\"}";
    const tlsrpt_str_t  follower = str("follower.example");

    fresh();
    is_int(put("a", body, NULL, NULL), TLSRPT_CHANGE_INVALID,
           "the same as one that is not there");
    other = other_of("b");
    is_int(put("a", body, &other, NULL), TLSRPT_CHANGE_INVALID,
           "as another's");
    is_str(change.text, "other.example is no domain of yours that is enrolled "
           "and proved", "is told in the same words");
    other = other_of("a");
    other.follows = 1;
    is_int(put("a", body, &other, NULL), TLSRPT_CHANGE_INVALID,
           "as one that is itself the same");
    other = other_of("a");
    other.is_leaving = 1;
    is_int(put("a", body, &other, NULL), TLSRPT_CHANGE_INVALID,
           "as one that is leaving");
    other = other_of("a");
    is_int(put("a", "{\"same-as\":\"example.com\"}", &other, NULL),
           TLSRPT_CHANGE_INVALID, "as itself");
    tlsrpt_other_configured(&other, 86400, now);
    is_int(put("a", body, &other, NULL), TLSRPT_CHANGE_INVALID,
           "as one that is configured");
    is_int(put(NULL, body, &other, NULL), TLSRPT_CHANGE_OK,
           "which the operator may");
    ok(tlsrpt_registry_record_is_empty(record) == 0, "and it is there");

    fresh();
    other = other_of("a");
    is_int(put("a", body, &other, NULL), TLSRPT_CHANGE_OK, "as one's own");
    reread();
    (void) looked(value("a"), "");
    reread();
    is_str(served(), "-", "it has no policy of its own");
    ok(tlsrpt_enrolment_follows(record->holder), "but follows");

    other.held = now + 1000000;
    is_int(put("a", TESTING, NULL, &other), TLSRPT_CHANGE_OK,
           "it gets one of its own");
    reread();
    is_int(record->holder->held, now + 1000000,
           "senders may hold that of the other");

    {
        tlsrpt_change_how_t  how = asks("a");

        tlsrpt_change_leave(&change, record, &how, 0, NULL, &follower, 1);
        is_int(change.status, TLSRPT_CHANGE_CONFLICT,
               "it cannot leave while others follow");
        is_str(change.text, "other domains are the same as this one: "
               "follower.example", "which are named");
    }
}


static void
test_unfollow(void)
{
    int                        broken;
    char                       text[1024];
    tlsrpt_change_how_t        how;
    tlsrpt_registry_record_t  *other;
    tlsrpt_other_t             mine = other_of("a");

    snprintf(text, sizeof(text), "9 {\"v\":1,\"holder\":{\"owner\":\"b\","
             "\"state\":\"active\",\"token\":\"%s\",\"value\":\"%s\","
             "\"since\":1,\"mode\":\"enforce\",\"max-age\":604800,"
             "\"mx\":[\"mx.example.net\"],\"served\":1},"
             "\"former\":{\"owner\":\"a\",\"mode\":\"testing\","
             "\"max-age\":86400,\"mx\":[\"mx.example.com\"],\"served\":1}}",
             "bbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccc");
    other = tlsrpt_registry_record_read(text, strlen(text), &broken);
    ok(other != NULL, "what it follows is another's now");

    fresh();
    (void) put("a", "{\"same-as\":\"other.example\"}", &mine, NULL);
    reread();
    (void) looked(value("a"), "");
    reread();

    how = asks("");
    tlsrpt_change_unfollow(&change, record, &how, str("third.example"), other);
    is_int(change.status, TLSRPT_CHANGE_NOTHING, "it follows no such");
    tlsrpt_change_unfollow(&change, record, &how, str("other.example"), other);
    is_int(change.status, TLSRPT_CHANGE_OK, "it follows no more");
    reread();
    is_str(served(), "testing 86400", "and has the policy that it had");
    is_int(record->holder->held, now + 86400, "held as it was");

    fresh();
    (void) put("c", "{}", NULL, NULL);
    reread();
    record->pending[0]->same_as = str("other.example");
    record->pending[0]->same_owner = str("c");
    reread();
    (void) looked(value("c"), "");
    reread();
    how = asks("");
    tlsrpt_change_unfollow(&change, record, &how, str("other.example"), other);
    is_int(change.status, TLSRPT_CHANGE_OK, "one that passed on twice");
    reread();
    is_str(served(), "none 86400", "leaves its policy to nobody");

    record->holder->same_as = str("other.example");
    record->holder->same_owner = str("b");
    reread();
    is_str(record->holder->same_owner.data, "b", "another's is followed");
    how = asks("");
    tlsrpt_change_unfollow(&change, record, &how, str("other.example"), other);
    is_int(change.status, TLSRPT_CHANGE_NOTHING, "as long as it is his");
    tlsrpt_registry_record_destroy(other);
}


/* What who passes it on had is kept with the record. */

static void
test_former(void)
{
    fresh();
    (void) put("a", TESTING, NULL, NULL);
    reread();
    (void) looked(value("a"), "");
    reread();
    ok(record->former == NULL, "nobody had it before");
    (void) put(NULL, "{\"owner\":\"b\",\"verified\":true,"
               "\"mode\":\"enforce\",\"max-age\":604800,"
               "\"mx\":[\"mx.example.net\"]}", NULL, NULL);
    reread();
    is_str(served(), "enforce 604800", "passed on, with another policy");
    ok(record->former && tlsrpt_str_is(record->former->owner, "a")
       && record->former->max_age == 86400
       && tlsrpt_enrolment_held(record->former, now) == now + 86400,
       "what the former holder had is known");
}


/*
 * Records
 */

static void
test_records(void)
{
    int                        broken;
    tlsrpt_registry_record_t  *r;

    static const char *const  bad[] = {
        "1", "1 ", "x {}", " {\"v\":1}", "0 {\"v\":1}", "1 {}", "1 []",
        "1 {\"v\":\"1\"}", "1 {\"v\":0}", "1 {\"v\":1,\"v\":1}",
        "1 {\"v\":1,\"holder\":{}}", "1 {\"v\":1,\"pending\":{}}",
        "1 {\"v\":1,\"pending\":[{}]}", "1 {\"v\":1,\"left\":-1}",
        "1 {\"v\":1,\"left\":\"1\"}", "1 {\"v\":1,\"owner\":\"a b\"}",
        "1 {\"v\":1,\"holder\":{\"token\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\","
        "\"value\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"since\":1}}",
        "1 {\"v\":1,\"pending\":[{\"token\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\","
        "\"value\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"since\":1,"
        "\"state\":\"active\"}]}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        broken = 0;
        r = tlsrpt_registry_record_read(bad[i], strlen(bad[i]), &broken);
        ok(r == NULL && broken, "no record: %s", bad[i]);
        tlsrpt_registry_record_destroy(r);
    }

    r = tlsrpt_registry_record_read("5 {\"v\":2,\"holder\":1}", 20, &broken);
    ok(r != NULL && r->newer && r->version == 5, "one of a later version");
    tlsrpt_registry_record_destroy(record);
    record = r;
    is_int(put("a", "{}", NULL, NULL), TLSRPT_CHANGE_NEWER, "is left alone");
    is_int(expire(), TLSRPT_CHANGE_NEWER, "by time, too");
    fresh();
}


int
main(void)
{
    test_proved();
    test_times();
    test_side_by_side();
    test_size();
    test_passes_on();
    test_unproved();
    test_leaves();
    test_policy_taken_away();
    test_operator();
    test_same_as();
    test_unfollow();
    test_former();
    test_records();

    tlsrpt_change_free(&change);
    tlsrpt_registry_record_destroy(record);

    return done();
}
