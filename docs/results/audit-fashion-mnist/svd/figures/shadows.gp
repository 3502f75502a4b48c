set encoding utf8
set datafile separator comma
set datafile missing ''
set border 3 lc rgb '#555555'
set tics nomirror out textcolor rgb '#222222'
set grid back lt 1 lw 0.6 lc rgb '#dddddd'
set linetype 1 lc rgb '#0072B2' lw 2 pt 7 ps 0.8
set linetype 2 lc rgb '#D55E00' lw 2 pt 7 ps 0.8
set linetype 3 lc rgb '#009E73' lw 2 pt 7 ps 0.8
set linetype 4 lc rgb '#CC79A7' lw 2 pt 7 ps 0.8
set linetype 5 lc rgb '#E69F00' lw 2 pt 7 ps 0.8
set linetype 6 lc rgb '#56B4E9' lw 2 pt 7 ps 0.8
set linetype 7 lc rgb '#000000' lw 2 pt 7 ps 0.8
set linetype 8 lc rgb '#7F7F7F' lw 2 pt 7 ps 0.8
set multiplot layout 1,2
set logscale x 2
set xlabel 'shadow models'
set key bottom right Left reverse samplen 2
set offsets graph 0.05,graph 0.08,graph 0.05,graph 0.05
set title 'point by point, game "forget"'
set ylabel 'AUC'
plot 'shadows.csv' skip 1 using ($1 == 0 ? $4 * 1.03**0 : NaN):6:7:8 with yerrorlines lt 1 lw 2 title 'lira_online', \
  'shadows.csv' skip 1 using ($1 == 1 ? $4 * 1.03**1 : NaN):6:7:8 with yerrorlines lt 2 lw 2 title 'lira_offline', \
  'shadows.csv' skip 1 using ($1 == 2 ? $4 * 1.03**2 : NaN):6:7:8 with yerrorlines lt 3 lw 2 title 'rmia_offline', \
  'shadows.csv' skip 1 using ($1 == 3 ? $4 * 1.03**3 : NaN):6:7:8 with yerrorlines lt 4 lw 2 title 'attack_r'
set title 'on groups of models'
set ylabel 'balanced accuracy'
plot 'shadows.csv' skip 1 using ($1 == 4 ? $4 * 1.03**0 : NaN):6:7:8 with yerrorlines lt 1 lw 2 title 'ulira', \
  'shadows.csv' skip 1 using ($1 == 5 ? $4 * 1.03**1 : NaN):6:7:8 with yerrorlines lt 2 lw 2 title 'other_classes', \
  'shadows.csv' skip 1 using ($1 == 6 ? $4 * 1.03**2 : NaN):6:7:8 with yerrorlines lt 3 lw 2 title 'population_umia'
unset multiplot
