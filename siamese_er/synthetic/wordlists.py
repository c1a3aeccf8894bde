"""Words of our own that names and addresses are made of."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


ARABIC_MALE = words(
    "Mohammed Ahmed Ali Hassan Hussein Omar Youssef Ibrahim Khalid Mustafa Abdullah Abdulrahman Karim Tariq Samir "
    "Bilal Hamza Ismail Jamal Nasser Rashid Saeed Walid Ziad Faisal Fadi Rami Marwan Adel Hisham Osama Anwar"
)
ARABIC_FEMALE = words(
    "Fatima Aisha Maryam Zainab Khadija Layla Noor Huda Amina Salma Yasmin Hanan Samira Rania Dina Mona Nadia Reem "
    "Sara Lina Farah Iman Sawsan Rasha Widad Zahra Hala Najwa Suad Abeer"
)
ARABIC_FAMILY = words(
    "Al-Hashimi Haddad Khoury Mansour Saleh Hamdan Al-Masri Darwish Nasr Qasim Shaheen Abdi Aziz Bakri El-Sayed "
    "Farouk Ghanem Hijazi Jaber Kanaan Al-Rashid Mahmoud Najjar Othman Rahman Said Tamimi Yassin Zaki Barakat Abu-"
    "Bakr Fayed Hakim Issa Khalil Latif Malik Rahal Sabbagh Taha Wahab Younis Bin-Laith El-Amin Sultan"
)
CHINESE_GIVEN = words(
    "Wei Fang Na Xiuying Min Jing Li Qiang Lei Jun Yang Yong Yan Jie Juan Tao Ming Chao Xiulan Ping Gang Guiying "
    "Xiaoming Jianguo Yuhan Zihan Haoran Mei Xin Yue Ning Bo Hui Lan Peng Rui Shan Ting Xue Zhen"
)
ONSETS = words("b br c ch d dr f fl g gr h j k kr l m n p pr r s sch sh st t tr v w z th kl gl")
VOWELS = words("a e i o u a e i o ou ei ai ea y oo")
ENDINGS = words("son er man ski berg ton ley sen ez ini escu ic enko a i ova ard well worth y o")
CODAS = ("", "", "n", "r", "l", "s", "m", "t", "ck", "nd", "rt", "lls", "ng", "st")
STREET_STEMS = words(
    "Maple Oak Cedar Pine Elm Walnut Chestnut Willow Birch Spruce Hickory Magnolia Sycamore Poplar Aspen Laurel "
    "Main Church High Mill Park Station Victoria Queen King Albert Washington Lincoln Jefferson Jackson Madison "
    "Franklin Lake River Hill Meadow Valley Forest Garden Orchard Spring Sunset Highland Ridge Prospect Pleasant "
    "Union Center North South East West First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Railroad "
    "School College Academy Bridge Canal Harbour Bay Ocean Beach Grange Manor Priory Abbey Castle Windmill "
    "Springfield Brook Heron Swallow Kestrel Robin Rosewood Juniper Hawthorn Holly Ivy Fern Bramble Clover Foxglove "
    "Primrose Lavender Rowan"
)
CITY_ENDINGS = words("ton ville field burg ford wood bury ham port mouth haven dale view stad chester")
US_STATES = words(
    "AL AZ CA CO CT FL GA IL IN KS KY LA MA MD MI MN MO NC NE NJ NM NV NY OH OK OR PA SC TN TX UT VA WA WI"
)
UK_REGIONS = words("England Scotland Wales Kent Essex Surrey Devon Cumbria Norfolk")
AU_STATES = words("nsw vic qld wa sa tas act nt")
