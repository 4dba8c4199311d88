/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_builder.h"
#include "tlsrpt_count.h"
#include "tlsrpt_result.h"
#include "tlsrpt_utf8.h"


#define KEPT  64                            /* items of arrays over a reset */

/* So that what passes here most often is short. */
#define OUT_OF_LINE  __attribute__((noinline))


/*
 * Life
 */

static int
no_memory(tlsrpt_builder_t *b)
{
    return tlsrpt_builder_fail(b, TLSRPT_ERR_MEMORY, "%s", "");
}


void
tlsrpt_builder_free(tlsrpt_builder_t *b)
{
    tlsrpt_strings_free(&b->text);
    tlsrpt_canonical_free(&b->canonical);
    free(b->report.policies);
    free(b->first);
    free(b->report.warnings);
    free(b->details);
    free(b->strings);
    tlsrpt_json_destroy(b->wrapped);
    memset(b, 0, sizeof(*b));
}


static inline void
enter(tlsrpt_builder_t *b, tlsrpt_frame_t *f, int node)
{
    const tlsrpt_node_t  *n = &tlsrpt_nodes[node];

    b->frame = f;
    memset(f, 0, sizeof(*f));
    f->node = node;

    if (n->is_array) {
        f->item = n->members;

    } else {
        tlsrpt_json_expect(b->json, n->members, n->nmembers,
                           sizeof(tlsrpt_member_t), &f->name);
    }
}


void
tlsrpt_builder_name(char buf[TLSRPT_DOMAIN_LEN + 1], tlsrpt_str_t name)
{
    if (name.data == NULL
        || tlsrpt_domain_normalize(name.data, name.len, buf) == 0)
    {
        buf[0] = '\0';
    }
}


void
tlsrpt_builder_reset(tlsrpt_builder_t *b, tlsrpt_json_t *json,
    const tlsrpt_reader_conf_t *conf)
{
    tlsrpt_applied_policy_t  *policies = b->report.policies;
    tlsrpt_warning_t         *warnings = b->report.warnings;

    if (b->policies_size > KEPT || b->details_size > KEPT
        || b->strings_size > KEPT || b->warnings_size > KEPT)
    {
        tlsrpt_builder_free(b);
        policies = NULL;
        warnings = NULL;
    }

    tlsrpt_strings_reset(&b->text);
    tlsrpt_canonical_reset(&b->canonical);
    memset(&b->report, 0, sizeof(b->report));
    b->report.policies = policies;
    b->report.warnings = warnings;
    b->report.domains = b->domains;
    b->report.canonical = &b->canonical;
    b->ndetails = 0;
    b->nstrings = 0;
    b->skip = 0;
    b->in_overflow = 0;
    b->noverflow = 0;
    b->unwrapped = 0;
    b->has_unknown = 0;
    b->nidn = 0;
    b->idn_len = 0;
    b->error.code = TLSRPT_OK;
    b->error.line = 0;
    b->error.path[0] = '\0';
    b->error.detail[0] = '\0';
    b->unusable.code = TLSRPT_OK;
    b->fallback_len = 0;
    b->leave_unnamed = conf->leave_unnamed;
    tlsrpt_builder_name(b->given, conf->domain);
    tlsrpt_builder_name(b->hint, conf->hint);

    b->json = json;
    b->stack[1].given = 0;
    b->stack[1].nulls = 0;
    b->stack[1].name = NULL;
    enter(b, b->stack, TLSRPT_NODE_TOP);
}


/*
 * Into and out of the containers kept
 */

static tlsrpt_applied_policy_t *
current_policy(tlsrpt_builder_t *b)
{
    return &b->report.policies[b->report.npolicies - 1];
}


/* Behind the token that was read last. */

static size_t
text_offset(const tlsrpt_builder_t *b)
{
    size_t  offset, line, column;

    tlsrpt_json_position(b->json, &offset, &line, &column);

    return offset;
}


static int
begin_policy(tlsrpt_builder_t *b)
{
    void    *policies = b->report.policies, *first = b->first;
    size_t   n = b->report.npolicies, size = b->policies_size;

    if (n == TLSRPT_MAX_POLICIES) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TOO_MANY_ITEMS,
                                   "over %d policies", TLSRPT_MAX_POLICIES);
    }

    if (tlsrpt_builder_spend(b, TLSRPT_COST_POLICY) != TLSRPT_OK) {
        return b->error.code;
    }

    if (tlsrpt_builder_grow(&first, sizeof(tlsrpt_first_t), n, &size) != 0) {
        return no_memory(b);
    }

    b->first = first;

    if (tlsrpt_builder_grow(&policies, sizeof(tlsrpt_applied_policy_t), n,
                            &b->policies_size)
        != 0)
    {
        return no_memory(b);
    }

    b->report.policies = policies;
    memset(&b->report.policies[n], 0, sizeof(tlsrpt_applied_policy_t));
    memset(&b->first[n], 0, sizeof(tlsrpt_first_t));
    b->report.policies[n].begin = text_offset(b) - 1;
    b->report.npolicies++;
    tlsrpt_canonical_begin_policy(&b->canonical);

    return TLSRPT_OK;
}


static int
begin_detail(tlsrpt_builder_t *b)
{
    void  *p = b->details;

    if (tlsrpt_builder_spend(b, TLSRPT_COST_DETAIL) != TLSRPT_OK) {
        return b->error.code;
    }

    b->in_overflow = b->ndetails == TLSRPT_MAX_DETAILS
                   || tlsrpt_strings_full(&b->text);

    if (b->in_overflow) {
        if (!b->noverflow++) {
            tlsrpt_builder_warn(b, TLSRPT_SCHEMA,
                                "too many failure details: from "
                                "here on their sessions are counted, no more");
        }

        memset(&b->overflow, 0, sizeof(b->overflow));
        return TLSRPT_OK;
    }

    if (tlsrpt_builder_grow(&p, sizeof(tlsrpt_detail_t), b->ndetails,
                            &b->details_size)
        != 0)
    {
        return no_memory(b);
    }

    b->details = p;
    memset(&b->details[b->ndetails++], 0, sizeof(tlsrpt_detail_t));
    current_policy(b)->ndetails++;

    return TLSRPT_OK;
}


static tlsrpt_detail_t *
current_detail(tlsrpt_builder_t *b)
{
    return b->in_overflow ? &b->overflow : &b->details[b->ndetails - 1];
}


/* What the fields of an object are of.  It stays where it is while the object
   is open: the arrays grow by objects that stand beside it. */

static void *
target(tlsrpt_builder_t *b, int node)
{
    switch (node) {
    case TLSRPT_NODE_POLICY:
    case TLSRPT_NODE_SUMMARY:
        return current_policy(b);

    case TLSRPT_NODE_DETAIL:
        return current_detail(b);

    default:
        return &b->report;
    }
}


static int
begin(tlsrpt_builder_t *b, int node)
{
    int              rc = TLSRPT_OK;
    tlsrpt_frame_t  *f = b->frame + 1;

    enter(b, f, node);

    switch (node) {
    case TLSRPT_NODE_ITEM:
        rc = begin_policy(b);
        break;

    case TLSRPT_NODE_DETAILS:
        b->first[b->report.npolicies - 1].details = b->ndetails;
        break;

    case TLSRPT_NODE_DETAIL:
        rc = begin_detail(b);
        /* fall through */

    case TLSRPT_NODE_POLICY:
    case TLSRPT_NODE_SUMMARY:
        tlsrpt_canonical_open(&b->canonical);
    }

    if (rc == TLSRPT_OK) {
        f->target = target(b, node);
    }

    return rc;
}


static int
end_summary(tlsrpt_builder_t *b, unsigned given)
{
    tlsrpt_canonical_end_summary(&b->canonical);

    if (!(given & 1 << TLSRPT_GIVEN_SUCCESSFUL)) {
        tlsrpt_builder_warn_member(b, "total-successful-session-count",
                                   "absent, taken as 0");
    }

    if (!(given & 1 << TLSRPT_GIVEN_FAILURE)) {
        tlsrpt_builder_warn_member(b, "total-failure-session-count",
                                   "absent, taken as 0");
    }

    return TLSRPT_OK;
}


/* A member of the detail is kept although it was not given. */

static void
keep_absent(tlsrpt_builder_t *b, unsigned member)
{
    if (!b->in_overflow) {
        tlsrpt_canonical_add(&b->canonical, member, "", 0);
    }
}


static int
end_detail(tlsrpt_builder_t *b, unsigned given, unsigned nulls)
{
    tlsrpt_detail_t  *d = current_detail(b);

    if (!(given & 1 << TLSRPT_GIVEN_COUNT)) {
        tlsrpt_builder_warn_member(b, "failed-session-count",
                                   "absent, taken as 1");
        d->failed_session_count = 1;
        keep_absent(b, TLSRPT_CANON_COUNT);
    }

    tlsrpt_canonical_end_detail(&b->canonical, b->in_overflow
                                ? TLSRPT_CANON_NOT_KEPT
                                : current_policy(b)->ndetails - 1);

    if (b->in_overflow) {
        current_policy(b)->overflow =
            tlsrpt_count_add(current_policy(b)->overflow,
                             d->failed_session_count);
        b->in_overflow = 0;
        return TLSRPT_OK;
    }

    given |= nulls;                         /* warned of already */

    if (!(given & 1 << TLSRPT_GIVEN_RESULT)) {
        tlsrpt_builder_warn_member(b, "result-type", "absent");

    } else if (d->result_type.data != NULL
               && (tlsrpt_result_code(d->result_type) == 0
                   || tlsrpt_str_is(d->result_type, "unspecified")))
    {
        tlsrpt_builder_warn_member(b, "result-type",
                                   "a type RFC 8460 does not know");
    }

    if (!(given & 1 << TLSRPT_GIVEN_SENDING_IP)) {
        tlsrpt_builder_warn_member(b, "sending-mta-ip", "absent");
    }

    if (!(given & 1 << TLSRPT_GIVEN_MX)) {
        tlsrpt_builder_warn_member(b, "receiving-mx-hostname", "absent");
    }

    return TLSRPT_OK;
}


static int
end_item(tlsrpt_builder_t *b, unsigned given)
{
    int                       sts, tlsa;
    tlsrpt_applied_policy_t  *p = current_policy(b);

    p->end = text_offset(b);

    if (!(given & 1 << TLSRPT_GIVEN_POLICY)) {
        tlsrpt_builder_leave_out(b, TLSRPT_ERR_MISSING, "policy", "absent");
        return TLSRPT_OK;
    }

    if (!(given & 1 << TLSRPT_GIVEN_SUMMARY)) {
        tlsrpt_builder_leave_out(b, TLSRPT_ERR_MISSING, "summary", "absent");
        return TLSRPT_OK;
    }

    sts = p->policy_type.data != NULL && tlsrpt_str_is(p->policy_type, "sts");
    tlsa = p->policy_type.data != NULL && tlsrpt_str_is(p->policy_type, "tlsa");

    if (p->policy_type.data == NULL) {
        tlsrpt_builder_warn_member(b, "policy.policy-type", "absent");

    } else if (!sts && !tlsa
               && !tlsrpt_str_is(p->policy_type, "no-policy-found"))
    {
        tlsrpt_builder_warn_member(b, "policy.policy-type",
                                   "a type RFC 8460 does not know");
    }

    if ((sts || tlsa) && p->npolicy_string == 0) {
        tlsrpt_builder_warn_member(b, "policy.policy-string", "absent");
    }

    if (sts && p->nmx_host == 0) {
        tlsrpt_builder_warn_member(b, "policy.mx-host", "absent");
    }

    if (p->failed && p->ndetails == 0 && p->overflow == 0) {
        tlsrpt_builder_warn_member(b, "failure-details",
                                   "absent, though sessions failed");
    }

    return TLSRPT_OK;
}


static OUT_OF_LINE int
end(tlsrpt_builder_t *b)
{
    int              rc;
    tlsrpt_frame_t  *f = b->frame;

    f->name = NULL;

    switch (f->node) {
    case TLSRPT_NODE_ITEM:
        rc = end_item(b, f->given);
        break;

    case TLSRPT_NODE_POLICY:
        tlsrpt_canonical_end_policy(&b->canonical);
        rc = TLSRPT_OK;
        break;

    case TLSRPT_NODE_SUMMARY:
        rc = end_summary(b, f->given);
        break;

    case TLSRPT_NODE_DETAIL:
        rc = end_detail(b, f->given, f->nulls);
        break;

    case TLSRPT_NODE_DATE_RANGE:
        rc = !(f->given & 1 << TLSRPT_GIVEN_START)
             ? tlsrpt_builder_fail_missing(b, "start-datetime")
             : !(f->given & 1 << TLSRPT_GIVEN_END)
             ? tlsrpt_builder_fail_missing(b, "end-datetime") : TLSRPT_OK;
        break;

    default:
        rc = TLSRPT_OK;
    }

    b->frame--;
    return rc;
}


/*
 * Events
 */

static OUT_OF_LINE int
null_value(tlsrpt_builder_t *b, tlsrpt_frame_t *f, const tlsrpt_member_t *m)
{
    tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "null, taken as absent");
    f->nulls |= m->bit;

    return TLSRPT_OK;
}


static OUT_OF_LINE int
fail_type(tlsrpt_builder_t *b, const tlsrpt_member_t *m)
{
    return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "an %s is expected",
                               m->object ? "object" : "array");
}


/* A count in a string: the same as the number. */

static OUT_OF_LINE void
trim_count(const char **s, size_t *len)
{
    while (*len && (unsigned char) (*s)[*len - 1] <= ' ') {
        (*len)--;
    }

    while (*len > 1 && ((unsigned char) **s <= ' ' || **s == '0')) {
        (*s)++;
        (*len)--;
    }
}


/* For the report's identity: of a detail only what is not kept as it came. */

static inline void
canonical(tlsrpt_builder_t *b, const tlsrpt_frame_t *f,
    const tlsrpt_member_t *m, tlsrpt_json_event_t event, const char *s,
    size_t len)
{
    if (f->node == TLSRPT_NODE_DETAIL && m->alias_of == NULL
        && ((b->kept.data == s && b->kept.len == len)
            || (m->is_count && !b->in_overflow)))
    {
        return;
    }

    if (m->is_count && event == TLSRPT_JSON_STRING) {
        trim_count(&s, &len);
    }

    if (f->node <= TLSRPT_NODE_DATE_RANGE) {
        tlsrpt_canonical_add_head(&b->canonical, m->number, s, len);

    } else {
        tlsrpt_canonical_add(&b->canonical, m->number, s, len);
    }
}


static inline int
value(tlsrpt_builder_t *b, tlsrpt_frame_t *f, const tlsrpt_member_t *m,
    tlsrpt_json_event_t event, const char *s, size_t len)
{
    int    rc;
    char  *field;

    if (event == TLSRPT_JSON_NULL && f->item == NULL) {
        return null_value(b, f, m);
    }

    if (m->set == NULL) {
        return fail_type(b, m);
    }

    if (len > TLSRPT_LONG_STRING
        && tlsrpt_builder_spend(b, len) != TLSRPT_OK)
    {
        return b->error.code;
    }

    f->given |= m->bit;
    field = f->item == NULL ? (char *) f->target + m->offset : NULL;

    b->kept.data = NULL;
    rc = m->set(b, field, event, s, len);

    if (len && m->number) {
        canonical(b, f, m, event, s, len);
    }

    return rc;
}


static OUT_OF_LINE int
container(tlsrpt_builder_t *b, tlsrpt_frame_t *f, const tlsrpt_member_t *m,
    tlsrpt_json_event_t event)
{
    int  node;

    if (m == NULL) {
        b->skip = 1;
        return tlsrpt_builder_spend(b, TLSRPT_COST_SKIPPED);
    }

    node = event == TLSRPT_JSON_OBJECT ? m->object : m->array;

    if (node) {
        f->given |= m->bit;
        return begin(b, node);
    }

    b->skip = 1;

    return value(b, f, m, event, NULL, 0);
}


static OUT_OF_LINE int
skip_value(tlsrpt_builder_t *b, size_t len)
{
    size_t  more = len > TLSRPT_LONG_STRING ? 2 * len : 0;

    return tlsrpt_builder_spend(b, TLSRPT_COST_SKIPPED + more);
}


/* m: what the value is of, or NULL. */

static inline int
take(tlsrpt_builder_t *b, tlsrpt_frame_t *f, const tlsrpt_member_t *m,
    tlsrpt_json_event_t event, const char *s, size_t len)
{
    if (event == TLSRPT_JSON_OBJECT || event == TLSRPT_JSON_ARRAY) {
        return container(b, f, m, event);
    }

    return m != NULL ? value(b, f, m, event, s, len) : skip_value(b, len);
}


/* A member may come under its own name and under an alias: the first is
   kept. */

static OUT_OF_LINE int
take_alias(tlsrpt_builder_t *b, tlsrpt_frame_t *f, const tlsrpt_member_t *m,
    tlsrpt_json_event_t event, const char *s, size_t len)
{
    if (f->given & m->bit) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA,
                            "given under another name before, "
                            "passed over");
        f->name = NULL;
        m = NULL;

    } else {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "taken as %s", m->alias_of);
    }

    return take(b, f, m, event, s, len);
}


/* Within a container that is not kept. */

static OUT_OF_LINE int
skip(tlsrpt_builder_t *b, tlsrpt_json_event_t event, size_t len)
{
    if (event == TLSRPT_JSON_OBJECT || event == TLSRPT_JSON_ARRAY) {
        b->skip++;

    } else if (event == TLSRPT_JSON_OBJECT_END
               || event == TLSRPT_JSON_ARRAY_END)
    {
        b->skip--;
    }

    return skip_value(b, len);
}


int
tlsrpt_builder_is_report(const tlsrpt_builder_t *b)
{
    const tlsrpt_frame_t  *root = b->stack + 1;

    return (root->given | root->nulls) != 0 || root->name != NULL;
}


int
tlsrpt_builder_has_unknown(const tlsrpt_builder_t *b)
{
    return b->has_unknown;
}


int
tlsrpt_builder_event(void *builder, tlsrpt_json_event_t event, const char *s,
    size_t len)
{
    tlsrpt_builder_t       *b = builder;
    tlsrpt_frame_t         *f = b->frame;
    const tlsrpt_member_t  *m;

    if (b->skip) {
        return skip(b, event, len);
    }

    if (event == TLSRPT_JSON_OBJECT_END || event == TLSRPT_JSON_ARRAY_END) {
        return end(b);
    }

    if (event == TLSRPT_JSON_KEY) {
        b->has_unknown = 1;
        return TLSRPT_OK;
    }

    if (f->item != NULL) {
        f->index++;
        return take(b, f, f->item, event, s, len);
    }

    m = tlsrpt_frame_member(f);

    if (m != NULL && (f->given & m->bit || m->alias_of != NULL)) {
        return take_alias(b, f, m, event, s, len);
    }

    return take(b, f, m, event, s, len);
}
