# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# RFC 8460 section 3: only what the reporter signed counts.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $weak = Crypt::OpenSSL::RSA->generate_key(1016);
my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    tlsrpt  => 'domains = ["example.com", "example.net"];',
    signers => [qw(sender.example mail.sender.example evil.example
                   a.co.example b.co.example)],
    dns     => join('', map { sprintf '{ name = "%s"; type = "txt"; %s },',
                              dkim_name($_->[0]), $_->[1] }
        ['gone.example', 'rcode = "nxdomain";'],
        ['later.example', 'rcode = "servfail";'],
        ['mailonly.example', sprintf('replies = ["%s"];',
            dkim_record('mailonly.example', 's=email; '))],
        ['any.example', sprintf('replies = ["%s"];',
            dkim_record('any.example', 's=*; '))],
        ['service.example', sprintf('replies = ["%s"];',
            dkim_record('service.example', 's=email:tlsrpt; '))],
        ['testing.example', sprintf('replies = ["%s"];',
            dkim_record('testing.example', 't=y; '))],
        ['strict.example', sprintf('replies = ["%s"];',
            dkim_record('strict.example', 't=s; '))],
        ['both.example', sprintf('replies = ["%s"];',
            dkim_record('both.example', 't=s:y; '))],
        ['weak.example', sprintf('replies = ["%s"];',
            TLSRPT::Mail::key_record($weak))],
        ['evil!x.example', sprintf('replies = ["%s"];',
            dkim_record('evil!x.example'))],
        ['revoked.example', 'replies = ["v=DKIM1; p="];']),
)->start;

my $n = 0;

sub fresh { return report('report-id' => 'id-' . ++$n, @_) }

# A fresh report of a contact, or of none.
sub by {
    my ($contact, %options) = @_;

    my $report = fresh();
    delete $report->{'contact-info'};
    $report->{'contact-info'} = $contact if defined $contact;

    return report_mail($report, %options);
}

sub result {
    my ($mail, %options) = @_;

    my $answer = $rspamd->scan($mail, %options);
    my ($symbol) = grep { /^TLSRPT_/ } keys %{ $answer->{symbols} };
    return ('', '', $answer) unless $symbol;

    return ($symbol =~ s/^TLSRPT_//r, $answer->{symbols}{$symbol}{options}[0],
            $answer);
}

sub counted {
    my ($mail, $name, %options) = @_;

    my ($symbol, $option) = result($mail, %options);

    return is($symbol, 'REPORT', $name);
}

sub unsigned {
    my ($mail, $name, $reason) = @_;

    my ($symbol, $option) = result($mail);
    is($symbol, 'UNSIGNED', $name);
    like($option, $reason, "$name: why") if $reason;

    return;
}

my @no_headers = (headers => []);

# Who is the reporter

counted(signed(report_mail(fresh()), 'sender.example'), 'the contact signed');
my ($symbol, $option) = result(signed(report_mail(fresh()), 'sender.example'));
like($option, qr/ d=sender\.example$/, 'the signer is told');

counted(signed(report_mail(fresh()), 'mail.sender.example'),
        'a subdomain of it signed');
counted(signed(by('x@corp.sender.example'), 'sender.example'),
        'the parent domain signed');
counted(signed(by('x@corp.sender.example'), 'mail.sender.example'),
        'the same organisational domain');
counted(signed(by('MAILTO:X@Sender.Example.'), 'sender.example'),
        'a contact in capitals, as an URI, with a final dot');
counted(signed(by(undef), 'sender.example'),
        'no contact: TLS-Report-Submitter');
counted(signed(by(undef, @no_headers), 'sender.example'),
        'no contact, no submitter: From');
counted(signed(by('postmaster'), 'sender.example'),
        'a contact that names no domain');
counted(signed(by(undef, from => 'x@evil.example',
                  headers => ['TLS-Report-Submitter: sender.example']),
               'sender.example'), 'From is another domain');

unsigned(by('x@sender.example'), 'no signature',
         qr/^not signed by sender\.example$/);
unsigned(signed(by('x@sender.example'), 'evil.example'),
         'another domain signed', qr/signed by evil\.example/);
unsigned(signed(by('x@a.co.example'), 'b.co.example'),
         'neighbours under a public suffix');
unsigned(signed(by('x@co.example'), 'a.co.example'),
         'a contact at a public suffix');
unsigned(signed(by('x@sender.example', from => 'x@evil.example',
                   headers => ['TLS-Report-Submitter: evil.example']),
                'evil.example'),
         'the contact decides, not who says he submits');
unsigned(signed(by('x@sender.example, y@evil.example'), 'evil.example'),
         'one contact of two');
unsigned(signed(by(undef, headers => ['TLS-Report-Submitter: evil.example',
                                      'TLS-Report-Submitter: sender.example']),
                'evil.example'), 'one submitter of two');
unsigned("From: x\@sender.example\r\n"
         . signed(by(undef, @no_headers, from => 'x@evil.example'),
                  'evil.example'), 'a second From');
counted(signed(signed(by('x@sender.example'), 'sender.example'),
               'evil.example'), 'two signatures, one of the reporter');
counted(signed(signed(by('x@sender.example'), 'evil.example'),
               'sender.example'), 'in the other order');
counted(signed(signed(by('x@sender.example'), 'gone.example'),
               'sender.example'), 'two, one of them without a key');

my @many = ('evil.example') x 20;
my $mail = signed(by('x@sender.example'), 'sender.example');
$mail = signed($mail, $_) for @many;
counted($mail, 'one good signature under 20 others');

# Which signature is good

my $good = signed(by('x@sender.example'), 'sender.example');
unsigned($good =~ s/A TLS report\./A TLS rePort./r, 'the body was changed');
unsigned($good =~ s/^Subject: Rep/Subject: rep/mr, 'a header was changed');
unsigned($good =~ s/ b=\K.{8}/AAAAAAAA/sr, 'a broken signature');
unsigned($good =~ s/a=rsa-sha256/a=nonsense/r, 'an unknown algorithm');
unsigned($good =~ s/ d=/ d==/r, 'a broken d=');
counted($good, 'while untouched it is good');

unsigned(signed(by('x@sender.example'), 'sender.example', body_length => 1),
         'l= covers the whole body', qr/l=/);
unsigned(signed(by('x@sender.example'), 'sender.example', body_length => 1)
         . report_part(fresh()), 'l=, and more was appended', qr/l=/);
unsigned(signed(by('x@sender.example'), 'sender.example', body_length => 1)
         =~ s/l=(\d+)/l =\r\n\t$1/r, 'l=, folded');

# What is under it: how the body is read has to be

my $plain = 'From:To:Subject:Date:Message-ID:MIME-Version';
unsigned(signed(by('x@sender.example'), 'sender.example', headers => $plain),
         'neither Content-Type nor TLS-Report-* is signed',
         qr/neither Content-Type nor/);
counted(signed(by('x@sender.example'), 'sender.example',
               headers => "$plain:$_"), "$_ is signed")
    for qw(Content-Type content-type TLS-Report-Domain TLS-Report-Submitter);
unsigned(signed(by('x@sender.example', @no_headers), 'sender.example',
                headers => "$plain:TLS-Report-Domain"),
         'TLS-Report-Domain is signed, and not there');
unsigned("Content-Type: text/plain\r\n"
         . signed(by('x@sender.example', @no_headers), 'sender.example',
                  headers => "$plain:Content-Type"),
         'a second Content-Type');

# RFC 8301

unsigned(signed(by('x@sender.example'), 'sender.example',
                algorithm => 'rsa-sha1'), 'rsa-sha1', qr/rsa-sha1/);
unsigned(signed(by('x@weak.example'), 'weak.example', key => $weak),
         'a key of less than 1,024 bits', qr/1016 bits/);
unsigned(signed(by('x@testing.example'), 'testing.example'),
         't=y: the domain tests', qr/tests/);
unsigned(signed(by('x@both.example'), 'both.example'), 't=s:y');
counted(signed(by('x@strict.example'), 'strict.example'), 't=s');

# What is no name

counted(signed(signed(by('x@sender.example'), 'sender.example'),
               'sender.example', selector => $_),
        "beside a signature by the selector '$_'")
    for 'a..b', 'a b', '.', 'x' x 64;
unsigned(signed(by('x@sender.example'), 'sender.example', selector => 'a..b'),
         'that alone');
unsigned(signed(by('x@victim!x.example'), 'evil!x.example'),
         'two that are no names');

# contact-info that names no mailbox does not leave it to From

for my $contact ('x @ sender.example', 'mailto:x%40sender.example',
                 'sender.example', 'https://sender.example/tlsrpt',
                 'https://x@sender.example/', 'x@sender.example (x@y')
{
    unsigned(signed(by($contact, from => 'x@evil.example'), 'evil.example'),
             "$contact: From alone");
    unsigned(signed(by($contact, headers =>
                       ['TLS-Report-Submitter: evil.example']),
                    'evil.example'), "$contact: Submitter alone");
    my ($symbol, $option) = result(signed(by($contact), 'sender.example'));
    is($symbol, 'REPORT', "$contact: From and Submitter");
    like($option, qr/contact-info names no mailbox/, 'and it is told');
}
like($rspamd->log, qr/contact-info: no mailbox, or not alone: x \@ sender/,
     'in the log, too');
counted(signed(by($_), 'sender.example'), "a contact: $_")
    for 'Reports <x@sender.example>', '<x@sender.example>',
        'mailto:x@sender.example?subject=tls', 'Team, x@sender.example';

# Policies without a domain: whose report is it?

sub nameless {
    my (%options) = @_;

    my $report = fresh();
    $report->{policies}[0]{policy} = { 'policy-type' => 'no-policy-found' };

    return report_mail($report, name => undef, %options);
}

my $all = "$plain:Content-Type:TLS-Report-Domain:TLS-Report-Submitter";
sub domain_of {
    my ($symbol, $option) = result(@_);

    return $symbol eq 'REPORT' ? (split / /, $option)[1] : '';
}

is(domain_of(signed(nameless(), 'sender.example', headers => $all)),
   'example.com', 'no policy-domain: TLS-Report-Domain, signed');
is(domain_of(signed(nameless(@no_headers), 'sender.example',
                    headers => $all)), 'example.com', 'or the Subject, signed');
for my $headers ("$plain:Content-Type" =~ s/Subject://r,
                 'From:To:Date:Content-Type')
{
    is(domain_of(signed(nameless(), 'sender.example', headers => $headers)),
       '', 'neither of them signed: none');
}
is(domain_of("TLS-Report-Domain: example.net\r\nSubject: Report Domain:"
             . ' example.net Submitter: sender.example Report-ID: <1@a>'
             . "\r\n" . signed(nameless(), 'sender.example',
                               headers => "$plain:Content-Type")),
   '', 'a second one added: none');
is(domain_of(signed(nameless(headers => ['TLS-Report-Domain: example.com',
                                         'TLS-Report-Domain: example.net']),
                    'sender.example',
                    headers => "$all:TLS-Report-Domain" =~ s/Subject://r)),
   '', 'given twice, signed: none');

# The key

unsigned(signed(by('x@gone.example'), 'gone.example'), 'no key in DNS');
unsigned(signed(by('x@revoked.example'), 'revoked.example'), 'a revoked key');

($symbol, $option, my $answer) =
    result(signed(by('x@later.example'), 'later.example'));
is($symbol, 'FAIL', 'the key look-up failed');
is($answer->{action}, 'soft reject', 'so the sender shall try again');
like($option, qr/key look-up/, 'and why');
counted(signed(signed(by('x@mail.sender.example'), 'sender.example'),
               'later.example'), 'a failed look-up beside a good signature');

($symbol, $option) = result(signed(by('x@mailonly.example'),
                                   'mailonly.example'));
is($symbol, 'REPORT', 's=email is accepted');
like($option, qr/key's s= excludes tlsrpt/, 'and noted');
for my $domain (qw(any.example service.example)) {
    ($symbol, $option) = result(signed(by("x\@$domain"), $domain));
    is($symbol, 'REPORT', "the key of $domain");
    unlike($option, qr/s=/, 'fits');
}

# Senders that rspamd trusts are checked all the same

for my $option ([ip => '127.0.0.1'], [ip => '10.0.0.1'], [user => 'joe']) {
    counted(signed(by('x@sender.example'), 'sender.example'),
            "signed, $option->[0] $option->[1]", @$option);
    my ($symbol) = result(by('x@sender.example'), @$option);
    is($symbol, 'UNSIGNED', "unsigned, $option->[0] $option->[1]");
}

# What nobody signed is not read; and all that is read of a mail has one bound

my $large = fresh();
my $detail = $large->{policies}[0]{'failure-details'}[0];
$large->{policies}[0]{'failure-details'} = [map {
    { %$detail, 'failure-reason-code' => join('', map {
        sprintf '%08x', rand 2**32 } 1 .. 60) } } 1 .. 9000];
my $bomb = encode_json($large);
unsigned(report_mail('{'), 'not signed, and no report: not looked at');
unsigned(signed(report_mail('{'), 'gone.example'), 'nor if badly signed');
my @parts = map { report_part($bomb =~ s/id-\d+/bomb-$_/r) } 1, 2;
$answer = $rspamd->scan(signed(mail(\@parts), 'sender.example'));
is_deeply([sort grep { /^TLSRPT/ } keys %{ $answer->{symbols} }],
          [qw(TLSRPT_INVALID TLSRPT_REPORT)],
          'two reports of 7 MB: one is read');
like($answer->{symbols}{TLSRPT_INVALID}{options}[0],
     qr/larger than the limit/, 'and the other is too much');

# 100 forged mails: nothing of them is counted

sub victim { return by('tlsrpt@sender.example', @_) }

my @forgeries = (
    sub { victim() },
    sub { signed(victim(), 'evil.example') },
    sub { signed(victim(), 'sender.example', body_length => 1) },
    sub { signed(victim(), 'sender.example', body_length => 1)
              . report_part(fresh()) },
    sub { signed(victim(), 'sender.example') =~ s/TLS report/TLS rePort/r },
    sub { my $nested = nested(signed(victim(), 'sender.example'),
                              from => 'x@evil.example');
          signed($nested, 'evil.example') },
    sub { signed(nested(victim()), 'sender.example') },
    sub { signed(victim(), 'gone.example') },
    sub { my ($signature) = signed(victim(), 'sender.example')
              =~ /\A(DKIM.*?\r\n)(?=\S)/s;
          $signature . victim() },
    sub { signed(victim(from => 'x@evil.example', headers =>
                        ['TLS-Report-Submitter: evil.example']),
                 'evil.example') },
);

$server->redis('FLUSHALL');
my %symbols;
for my $i (0 .. 99) {
    my ($symbol) = result($forgeries[$i % @forgeries]->());
    $symbols{$symbol}++;
}
is($symbols{REPORT}, undef, '100 forged mails: no symbol of a stored report');
is_deeply($server->redis('KEYS', '*'), ['tlsrpt:mail'],
          'and nothing is in Redis but how many there were');
is_deeply(\%symbols, { UNSIGNED => 80, NESTED => 20 }, 'each was noted');

is($rspamd->stop, '', 'nothing bad in the log');
done_testing;
