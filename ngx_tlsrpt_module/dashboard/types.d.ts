/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// What the reading API answers, for the check of types alone; doc/http.md has
// what it means.

export interface Sums {
    'total-successful-session-count': number;
    'total-failure-session-count': number;
}

export interface DomainRow extends Sums {
    domain: string;
    reports: number;
    'last-report': string | null;
    status: string;
    'problem-title': string | null;
    'lost-mail': 'yes' | 'perhaps' | 'no' | null;
    'policy-mode': 'enforce' | 'testing' | 'none' | null;
}

export interface Step {
    text: string;
    command?: string;
}

interface AnyProblem {
    id: string | null;
    'result-type': string | null;
    severity: 'high' | 'medium' | 'low';
    title: string;
    ongoing: boolean | null;
    'first-day': string | null;
    'last-day': string | null;
    'failed-session-count': number;
    'lost-mail': string;
    'receiving-mx-hostnames': string[];
    'organization-names': string[];
    steps: Step[];
}

export interface OpenProblem extends AnyProblem {
    domains: string[];
    'domain-count': number;
}

export interface DomainProblem extends AnyProblem {
    share: number;
    'share-of-senders': number;
    contacts: { address: string, verified: boolean }[];
    'sending-mta-ips': string[];
    'receiving-ips': string[];
    'failure-reason-codes': string[];
    meaning: string;
    'likely-cause': string;
    'possible-attack': string | null;
}

export interface Days {
    from: string;
    to: string;
    groups: (Partial<Sums> & { day: string,
                               'failed-session-count'?: number })[];
}

export interface Policy {
    mode: string;
    'max-age': number;
    mx: string[];
}

export interface DnsRecord {
    name: string;
    host: string;
    type: string;
    value: string;
    purpose: string;
    order: number;
    state?: string;
    found?: string[];
    reason?: string | null;
    checked?: string | null;
}

export interface SetupStep {
    step: string;
    state: 'done' | 'todo' | 'wrong' | 'unknown';
    text: string;
    record?: DnsRecord;
    checked?: string;
}

// Of the enrolment API.
export interface Enrolment {
    domain: string;
    state: 'pending' | 'active' | 'leaving';
    owner: string | null;
    since: string;
    ends?: string;
    id: string | null;
    records: DnsRecord[];
    policy?: Policy | null;
    'same-as'?: string;
    contact?: string[];
}

// What the form of a policy holds.
export interface Wanted {
    kind: string;
    mode: string;
    age: number;
    mx: string;
    same: string;
    contact: string;
}

interface Said {
    at: number | null;
    message: string;
    section?: string;
}

// What POST .../policy/simulate answers.
export interface Effect {
    valid: boolean;
    errors: Said[];
    warnings: Said[];
    policy: Policy;
    sessions: number;
    'would-be-lost': number;
    mended: number;
    uncertain: number;
    'would-be-lost-by': Record<string, { sessions: number }[]>;
    'uncovered-mx': string[];
    reasons: { text: string, sessions: number }[];
    from: string;
    to: string;
}
