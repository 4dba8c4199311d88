/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_contacts.h"


#define MAX_ADDRESS  254                    /* RFC 5321 4.5.3.1.3, without <> */


const tlsrpt_sender_t *
tlsrpt_contacts_sender(const tlsrpt_evidence_t *e, tlsrpt_str_t name)
{
    for (size_t i = 0; i < e->nsenders; i++) {
        if (tlsrpt_str_equal(e->senders[i].name, name)) {
            return &e->senders[i];
        }
    }

    return NULL;
}


/* Where the domain of an address begins; 0: it is none. */

static size_t
domain_at(tlsrpt_str_t text)
{
    size_t  at = 0;

    for (size_t i = 0; i < text.len; i++) {
        const unsigned char  c = (unsigned char) text.data[i];

        if (c <= ' ' || c >= 0x7f || strchr(",;:<>()[]\"\\", c) != NULL
            || (c == '@' && (at || i == 0)))
        {
            return 0;
        }

        at = c == '@' ? i + 1 : at;
    }

    return text.len <= MAX_ADDRESS && at < text.len ? at : 0;
}


int
tlsrpt_contacts_is_address(tlsrpt_str_t text)
{
    return text.data != NULL && domain_at(text) > 0;
}


/* contact-info is an address, with or without mailto:, or any text (RFC 8460
   4.4). */

static tlsrpt_str_t
contact_of(tlsrpt_str_t info)
{
    if (info.data != NULL && tlsrpt_str_begins_in_any_case(info, "mailto:")) {
        info.data += 7;
        info.len -= 7;
    }

    while (info.len && info.data[0] == ' ') {
        info.data++;
        info.len--;
    }

    while (info.len && info.data[info.len - 1] == ' ') {
        info.len--;
    }

    return info;
}


/* Is the address below the organizational domain that signed the mail? */

static int
is_verified(const tlsrpt_listing_t *l, tlsrpt_str_t contact)
{
    tlsrpt_str_t  domain;
    size_t        at = contact.data != NULL ? domain_at(contact) : 0;
    char          name[TLSRPT_DOMAIN_LEN + 1], signer[TLSRPT_DOMAIN_LEN + 1];
    tlsrpt_str_t  own = { name, 0 }, signed_by = { signer, 0 };

    if (l->via != TLSRPT_VIA_MAIL || l->signer.data == NULL || at == 0) {
        return 0;
    }

    own.len = tlsrpt_domain_normalize(contact.data + at, contact.len - at,
                                      name);
    signed_by.len = tlsrpt_domain_normalize(l->signer.data, l->signer.len,
                                            signer);
    domain = tlsrpt_registered_domain(own);

    return own.len && signed_by.len && domain.data != NULL
           && tlsrpt_str_equal(domain, tlsrpt_registered_domain(signed_by));
}


static int
keep_text(tlsrpt_evidence_t *e, tlsrpt_str_t text, tlsrpt_str_t *kept)
{
    return tlsrpt_evidence_keep(e, tlsrpt_value_of(text.data, text.len), kept);
}


/* Reports with one id and other content: as long as one of them is not signed,
   only what is signed counts.  Senders without a name share their ids, so that
   they are no contradiction. */

static int
is_disputed(const tlsrpt_day_list_t *list, const tlsrpt_listing_t *l)
{
    size_t                   n;
    const tlsrpt_listing_t  *others[TLSRPT_CONFLICTS_NAMED];
    int                      is_signed = l->signer.data != NULL;

    if (l->organization_name.data == NULL) {
        return 0;
    }

    n = tlsrpt_conflicts_of(list, l, others);

    for (size_t i = 0; i < n; i++) {
        is_signed &= others[i]->signer.data != NULL;
    }

    return n > 0 && !is_signed;
}


static void
note_delay(tlsrpt_delay_t *delay, const tlsrpt_evidence_t *e, size_t day,
    int32_t came)
{
    const int32_t  of = e->scan.from + (int32_t) day;

    if (delay->nlists == 0) {
        delay->nlists = 1;
        delay->day = day;
        delay->came = came;

    } else if (delay->nlists == 1 && day != delay->day) {
        delay->nlists = 2;
        delay->late = came != delay->came && came > of
                      ? (size_t) (came - of) : 0;
    }
}


static int
add_listing(tlsrpt_evidence_t *e, tlsrpt_sender_t *s,
    const tlsrpt_listing_t *l, size_t day)
{
    tlsrpt_str_t  contact = contact_of(l->contact_info);
    const int     verified = is_verified(l, contact);

    if (contact.len && (s->contact.data == NULL
                        || (verified && !s->is_verified)))
    {
        s->is_verified = verified;

        if (keep_text(e, contact, &s->contact) != 0) {
            return -1;
        }
    }

    note_delay(&s->delay, e, day, tlsrpt_day_of(l->received));
    note_delay(&e->delay, e, day, tlsrpt_day_of(l->received));

    return s->signer.data == NULL && l->signer.data != NULL
           ? keep_text(e, l->signer, &s->signer) : 0;
}


static tlsrpt_sender_t *
sender_of(const tlsrpt_evidence_t *e, const tlsrpt_listing_t *l)
{
    tlsrpt_str_t  name = l->organization_name;

    if (name.data == NULL) {
        name = TLSRPT_STR("(no name)");
    }

    return (tlsrpt_sender_t *) tlsrpt_contacts_sender(e, name);
}


int
tlsrpt_contacts_add(tlsrpt_evidence_t *e, const tlsrpt_listing_t *listing,
    size_t day)
{
    tlsrpt_sender_t  *s = sender_of(e, listing);

    return s != NULL ? add_listing(e, s, listing, day) : 0;
}


void
tlsrpt_contacts_dispute(tlsrpt_evidence_t *e, const tlsrpt_day_list_t *list,
    size_t day)
{
    for (size_t i = 0; i < list->n; i++) {
        tlsrpt_sender_t  *s = sender_of(e, &list->listings[i]);

        if (s != NULL && s->at[day] && is_disputed(list, &list->listings[i])) {
            s->days[s->at[day] - 1].disputed = 1;
        }
    }
}


/*
 * For a problem
 */

static int
is_listed(const json_t *array, tlsrpt_str_t text, const char *member)
{
    size_t   i;
    json_t  *value;

    json_array_foreach((json_t *) array, i, value) {
        const json_t  *s = member ? json_object_get(value, member) : value;

        if (json_string_length(s) == text.len
            && memcmp(json_string_value(s), text.data, text.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


json_t *
tlsrpt_contacts_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    size_t max)
{
    json_t  *array = json_array();

    for (size_t i = 0; i < e->nsenders && json_array_size(array) < max; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        if (s->contact.data == NULL || !p->saw[i]
            || is_listed(array, s->contact, "address"))
        {
            continue;
        }

        if (json_array_append_new(array,
                json_pack("{s:o, s:b}", "address", tlsrpt_str_json(s->contact),
                          "verified", s->is_verified))
            != 0)
        {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


json_t *
tlsrpt_contacts_signers_json(const tlsrpt_evidence_t *e,
    const tlsrpt_problem_t *p, size_t max)
{
    json_t  *array = json_array();

    for (size_t i = 0; i < e->nsenders && json_array_size(array) < max; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        if (s->signer.data == NULL || !p->mailed || !p->saw[i]
            || is_listed(array, s->signer, NULL))
        {
            continue;
        }

        if (json_array_append_new(array, tlsrpt_str_json(s->signer)) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}
