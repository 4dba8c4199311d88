# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# RFC 8460 section 3: only what the reporter signed counts.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

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
is_deeply($server->redis('KEYS', '*'), [], 'and nothing is in Redis');
is_deeply(\%symbols, { UNSIGNED => 80, INVALID => 20 }, 'each was noted');

is($rspamd->stop, '', 'nothing bad in the log');
done_testing;
