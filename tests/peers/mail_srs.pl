# Answers for Mail::SRS, a line for a line, with the clock set by each request. `child.rs` talks to it.
use strict;
use warnings;

my $now;
BEGIN { *CORE::GLOBAL::time = sub { $now } }
use Mail::SRS;

# It warns of a hash whose case was folded, and of fields that are not there.
$SIG{__WARN__} = sub { };
$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    my ($op, $seconds, $separator, $length, $max_age, $always, $secrets, $address, $alias) = split /\t/, $line, -1;
    $now = $seconds;
    my $answer = eval {
        my $srs = Mail::SRS->new(
            Secret        => [map { pack 'H*', $_ } split /,/, $secrets],
            Separator     => $separator,
            HashLength    => $length,
            MaxAge        => $max_age,
            AlwaysRewrite => $always,
        );
        my ($from, $to) = map { pack 'H*', $_ } $address, $alias;
        $op eq 'forward' ? $srs->forward($from, $to) : $srs->reverse($from);
    };
    print defined $answer ? 'ok ' . unpack('H*', $answer) : 'error ' . unpack('H*', $@), "\n";
}
