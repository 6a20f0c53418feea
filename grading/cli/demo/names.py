"""What the demo's people are called: after plants and stones, nothing that pretends to be a person."""

_PLANTS = """
Alder Birch Cedar Dogwood Elder Fern Gorse Hazel Ivy Juniper Larch Maple Nettle Oak Poplar Rowan Sorrel
Thyme Willow Yarrow Aspen Bracken Clover Fir Heather Yew Acacia Agave Aloe Anemone Angelica Apple Apricot
Arnica Aster Azalea Balsam Bamboo Banyan Barley Basil Bay Beech Begonia Bergamot Betony Bilberry Bluebell
Borage Box Bramble Briar Broom Bryony Buckthorn Bugle Burdock Burnet Buttercup Campion Caper Caraway
Cardamom Carrot Catmint Celandine Celery Chamomile Cherry Chervil Chestnut Chicory Chive Cicely Citron
Clary Clematis Columbine Comfrey Coriander Cornel Cornflower Cowslip Cranberry Cress Crocus Cumin Currant
Cypress Daffodil Dahlia Daisy Damson Dandelion Dill Dock Ebony Edelweiss Elm Endive Fennel Fenugreek
Feverfew Fig Flax Foxglove Freesia Fuchsia Furze Gale Gentian Geranium Ginger Goldenrod Gooseberry Gourd
Guelder Harebell Hawthorn Hellebore Hemlock Hibiscus Holly Hollyhock Honesty Hop Hornbeam Horsetail
Hyacinth Hyssop Iris Jasmine Jujube Kale Laburnum Larkspur Laurel Lavender Leek Lemon Lentil Lettuce
Lichen Lilac Lily Lime Linden Linseed Liquorice Lobelia Loosestrife Lotus Lovage Lupin Madder Magnolia
Mallow Marigold Marjoram Marram Medlar Melilot Melon Millet Mimosa Mint Mistletoe Moss Mulberry Mullein
Mustard Myrtle Narcissus Oat Olive Onion Orache Orchid Oregano Osier Oxlip Pansy Parsley Parsnip Pea
Peach Pear Peony Periwinkle Pine Pimpernel Plantain Plum Primrose Privet Quince Radish Ragwort Rampion
Raspberry Reed Rhubarb Rocket Rose Rosemary Rue Rush Rye Saffron Sage Samphire Savory Saxifrage Sedge
Sloe Snowdrop Spruce Squill Stonecrop Sundew Tansy Teasel Thistle Thrift Tulip Valerian Verbena Vetch
Violet Walnut
"""  # fmt: skip
LEARNERS = tuple(_PLANTS.split())

GRADERS = {
    "Spring": ("Basalt", "Chalk", "Flint", "Granite", "Slate"),
    "Summer": ("Agate", "Basalt", "Flint", "Marble", "Quartz"),
    "Autumn": ("Agate", "Basalt", "Flint", "Marble", "Quartz"),
}
INSTRUCTORS = ("Opal", "Jade")
LEADS = ("Topaz", "Onyx")
COORDINATORS = ("Garnet",)
OBSERVERS = ("Amber",)
OFFICE = "Officer Pearl"
ADMINISTRATOR = "Administrator Beryl"


def email(name: str) -> str:
    """The address of somebody in the demo."""
    return f"{name.lower().replace(' ', '.')}@example.org"
